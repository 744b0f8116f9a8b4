// A push service for measures: HTTP/2 over TLS on Node, which ends ten times the streams a second that a
// Python one does. It counts requests and distinct endpoints, keeps one body in a hundred for its
// parent to decrypt, and says what it cost.
//
// node push_host.mjs KEY.pem CERT.pem

import { createSecureServer } from "node:http2";
import { readFileSync } from "node:fs";

const [key, cert] = process.argv.slice(2).map((path) => readFileSync(path));
const server = createSecureServer({ key, cert, allowHTTP1: true, settings: { maxConcurrentStreams: 250 } });
let count = 0;
let first = 0;
let seen = new Set();
let kept = [];
let topics = new Set();

server.on("stream", (stream, headers) => {
  const path = headers[":path"];
  if (path.startsWith("/_/")) {
    const spent = process.cpuUsage();
    const answer = { count, first, distinct: seen.size, topics: topics.size, cpu: (spent.user + spent.system) / 1e6, kept };
    if (path === "/_/forget") [count, first, seen, kept, topics] = [0, 0, new Set(), [], new Set()];
    stream.respond({ ":status": 200 });
    stream.end(JSON.stringify(answer));
    return;
  }
  count += 1;
  first ||= Date.now();
  seen.add(path);
  topics.add(headers["topic"]);
  stream.respond({ ":status": 201 }, { endStream: true });
  if (count % 100 === 1) {
    const body = [];
    stream.on("data", (part) => body.push(part));
    stream.on("end", () => kept.push(Buffer.concat(body).toString("base64")));
  } else stream.resume();
});
// Peers that speak HTTP/1.1 only.
server.on("request", (request, response) => {
  if (request.httpVersionMajor !== 1) return;
  count += 1;
  seen.add(request.url);
  request.resume();
  request.on("end", () => {
    response.writeHead(201, { "content-length": 0 });
    response.end();
  });
});
server.on("sessionError", () => {});
// Else Nagle holds the first answer on a new connection back until the peer's delayed ACK, 40 ms later.
server.on("connection", (socket) => socket.setNoDelay(true));
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
