// A line that can be cut: a small TCP proxy between a page and the server. Playwright's own
// `setOffline` does not cut sockets that are open.
import { connect, createServer } from "node:net";

/** @param {number} port where the server listens */
export async function cuttable(port) {
  /** @type {Set<import("node:net").Socket>} */
  const sockets = new Set();
  let whole = true;
  let silent = false;
  const server = createServer((near) => {
    if (!whole) return near.destroy();
    const far = connect(port, "127.0.0.1");
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ]) {
      sockets.add(socket);
      socket.on("data", (data) => void (silent || other.write(data)));
      socket.on("error", () => other.destroy());
      socket.on("close", () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(null)));
  const address = server.address();
  const own = address && typeof address === "object" ? address.port : 0;
  return {
    url: `http://127.0.0.1:${own}`,
    /** Ends every connection and takes no new one. */
    cut() {
      whole = false;
      for (const socket of sockets) socket.destroy();
    },
    /** Swallows everything, and lets nobody know. */
    hush() {
      silent = true;
    },
    mend() {
      whole = true;
      silent = false;
    },
    close() {
      this.cut();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}
