// Many watchers in one process: counts events until every watcher has seen every update. Started by fork with a job.
import { connect } from "node:http2";

process.once("message", (job) => void watch(job));

async function watch({ port, key, cert, ca, watchers, updates, path }) {
  // A session carries up to 100 streams.
  const sessions = Array.from({ length: Math.ceil(watchers / 100) }, () => connect(`https://127.0.0.1:${port}`, { key, cert, ca, checkServerIdentity: () => undefined }));
  let events = 0;
  let bytes = 0;
  let done = () => {};
  const all = new Promise((resolve) => (done = resolve));
  const newline = 10;
  await Promise.all(
    Array.from({ length: watchers }, (_, index) => {
      const stream = sessions[index % sessions.length].request({ ":path": path });
      stream.on("data", (chunk) => {
        bytes += chunk.length;
        for (let at = chunk.indexOf(newline); at >= 0; at = chunk.indexOf(newline, at + 1)) events += 1;
        if (events >= watchers * updates) done();
      });
      return new Promise((resolve) => stream.once("response", resolve));
    }),
  );
  process.send({ type: "watching" });
  await all;
  process.send({ type: "done", events, bytes }, () => process.exit(0));
}
