// Uploads, three at a time. Each can be paused and tried again; the server takes the same client id twice without harm.

const AT_ONCE = 3;
const TRIES = 4;

/** What the server says to somebody whose session has ended: no fault of the file. */
export class SignedOut extends Error {}

/** Whether an answer says that. A form token of an earlier session is another's. */
export const isSignedOut = (status, code) => status === 401 || (status === 403 && code === "foreign_request");

/** Calls `changed(item)` whenever an item moved, and `doubt()` where a connection broke; nothing starts while `held()`. States: waiting, sending, counting, resting (until the next try), paused, broken, refused, done.
    `item.turn` names the try that is under way: what an earlier one hears late is nobody's. */
export class Queue {
  constructor({ address, token, changed, held, signedOut, doubt }) {
    this.address = address; // (item) => Promise<URL of the PUT>
    Object.assign(this, { token, changed, held, signedOut, doubt });
    this.items = [];
  }

  add({ id, file, path, position }) {
    const known = this.items.find((item) => item.id === id && !["refused", "done"].includes(item.state));
    if (known) return this.resume(known);
    this.items = this.items.filter((item) => item.id !== id);
    this.items.push({ id, file, path, position, state: "waiting", sent: 0, tries: 0, message: "" });
    this.pump();
  }

  /** Refused before it is sent: what the server would say after the last byte is said before the first. */
  refuse({ id, file, path }, message) {
    if (this.items.some((item) => item.id === id)) return;
    this.items.push({ id, file, path, state: "refused", sent: 0, message });
  }

  pause(item) {
    if (!["waiting", "sending", "resting"].includes(item.state)) return;
    this.halt(item, "paused");
    this.moved(item);
  }

  resume(item) {
    if (!["paused", "broken", "resting"].includes(item.state)) return;
    this.halt(item, "waiting");
    Object.assign(item, { tries: 0, sent: 0, message: "" });
    this.moved(item);
  }

  drop(item) {
    this.halt(item, "dropped");
    this.items = this.items.filter((other) => other !== item);
    this.moved(item);
  }

  /** The line is back: what it stopped need not wait for somebody to say so. */
  reconnect() {
    for (const item of this.items) if (["broken", "resting"].includes(item.state)) this.resume(item);
  }

  halt(item, state) {
    Object.assign(item, { state, turn: null });
    clearTimeout(item.timer);
    item.request?.abort();
  }

  /** Files that are not at the server yet. */
  get open() {
    return this.items.filter((item) => ["waiting", "sending", "counting", "resting", "paused", "broken"].includes(item.state));
  }

  get running() {
    return this.items.filter((item) => ["sending", "counting"].includes(item.state));
  }

  pump() {
    if (this.held()) return;
    for (const item of this.items) {
      if (this.running.length >= AT_ONCE) break;
      if (item.state === "waiting") this.send(item);
    }
  }

  moved(item) {
    this.changed(item);
    this.pump();
  }

  async send(item) {
    const turn = {};
    Object.assign(item, { state: "sending", turn });
    item.tries += 1;
    this.changed(item);
    try {
      const address = await this.address(item);
      if (item.turn !== turn) return;
      const answer = await this.put(item, address);
      if (item.turn === turn) this.settle(item, answer);
    } catch (error) {
      if (item.turn !== turn) return;
      if (error instanceof SignedOut) return this.wait(item);
      this.retry(item, error?.message || "The connection was lost.");
      this.doubt(); // a server may hang up instead of hearing a large file out for which nobody is signed in
    }
  }

  put(item, address) {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest(); // fetch does not say how far an upload is
      item.request = request;
      request.open("PUT", address);
      request.setRequestHeader("X-CSRF-Token", this.token());
      request.setRequestHeader("Content-Type", "application/octet-stream");
      request.upload.addEventListener("progress", (event) => {
        item.sent = event.loaded;
        this.changed(item);
      });
      request.upload.addEventListener("load", () => {
        if (item.request !== request || item.state !== "sending") return;
        item.sent = item.file.size;
        item.state = "counting";
        this.changed(item);
      });
      request.addEventListener("load", () => resolve(request));
      request.addEventListener("error", () => reject(new Error("The connection was lost.")));
      request.addEventListener("abort", () => reject(new Error("aborted")));
      request.send(item.file);
    });
  }

  settle(item, request) {
    if (request.status === 201) {
      item.state = "done";
      this.items = this.items.filter((other) => other !== item);
      return this.moved(item);
    }
    const problem = read(request.responseText);
    if (isSignedOut(request.status, problem.code) && !item.foreign) {
      item.foreign = request.status === 403; // once: what a fresh token does not mend is another matter
      throw new SignedOut();
    }
    if (request.status === 429 || request.status >= 500) {
      return this.retry(item, problem.detail || "The server is not available.", Number(request.getResponseHeader("Retry-After")));
    }
    item.state = "refused";
    item.code = problem.code;
    item.message = problem.detail || "The server refused the file.";
    // A file that cannot be read is listed by the server, with what to do; what concerns the whole batch is said here.
    item.listed = Boolean(problem.code) && !["batch_too_large", "invalid_transition", "unauthenticated", "foreign_request", "not_found"].includes(problem.code);
    if (item.listed) this.items = this.items.filter((other) => other !== item);
    this.moved(item);
  }

  /** Back to where it was before this try, until somebody is signed in again. */
  wait(item) {
    Object.assign(item, { state: "waiting", turn: null, tries: 0, sent: 0, message: "" });
    this.signedOut();
    this.moved(item);
  }

  retry(item, message, seconds = 0) {
    item.message = message;
    if (item.tries >= TRIES) {
      item.state = "broken";
      return this.moved(item);
    }
    item.state = "resting";
    this.changed(item);
    item.timer = setTimeout(() => {
      item.state = "waiting";
      this.moved(item);
    }, Math.max(seconds || 0, 2 ** (item.tries - 1)) * 1000); // Retry-After may be a date, which is no number
    this.pump();
  }
}

function read(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}
