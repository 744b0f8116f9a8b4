// What this device remembers: the stations it follows and how far its clock is off. Nothing else.

const STATIONS = "tambour.stations";
const SKEW = "tambour.skew";

function read(name, otherwise) {
  try {
    return JSON.parse(localStorage.getItem(name)) ?? otherwise;
  } catch {
    return otherwise; // storage refused or spoiled: the pages work without it
  }
}

function write(name, value) {
  try {
    localStorage.setItem(name, JSON.stringify(value));
    return true;
  } catch {
    return false;
  }
}

/** The followed stations: [{code, name}], in the order they were added. */
export const stations = () => {
  const kept = read(STATIONS, []);
  return Array.isArray(kept) ? kept.filter((one) => typeof one?.code === "string") : [];
};
export const codes = () => stations().map((one) => one.code);
export const follows = (code) => codes().includes(code);
export const follow = (code, name) =>
  write(STATIONS, [...stations().filter((one) => one.code !== code), { code, name }]);
export const unfollow = (code) =>
  write(STATIONS, stations().filter((one) => one.code !== code));
export const forget = () => write(STATIONS, []);

/** Milliseconds to add to this device's clock; null when nobody has measured it yet. */
export const skew = () => read(SKEW, null);
export const keepSkew = (ms) => write(SKEW, ms);
