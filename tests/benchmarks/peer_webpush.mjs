// The peer: Node's web-push as documented, 64 requests in flight over kept connections.
//
// node peer_webpush.mjs MODULE CA.pem JSON   ({endpoint, p256dh, auth, publicKey, privateKey, count, text})

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { Agent } from "node:https";

const [folder, ca, given] = process.argv.slice(2);
const webpush = createRequire(`${folder}/`)("web-push");
const { endpoint, p256dh, auth, publicKey, privateKey, count, text } = JSON.parse(given);
const agent = new Agent({ keepAlive: true, maxSockets: 64, ca: readFileSync(ca) });
const vapidDetails = { subject: "mailto:a@example.org", publicKey, privateKey };
const payload = "x".repeat(text);
let left = count;
const began = process.hrtime.bigint();
const one = async () => {
  while (left-- > 0) {
    const subscription = { endpoint: `${endpoint}${left}`, keys: { p256dh, auth } };
    await webpush.sendNotification(subscription, payload, { TTL: 60, vapidDetails, agent });
  }
};
await Promise.all(Array.from({ length: 64 }, one));
console.log(count / (Number(process.hrtime.bigint() - began) / 1e9));
