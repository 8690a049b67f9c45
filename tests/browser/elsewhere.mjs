// Everything that a page of another site can send, from a real browser: `node tests/browser/elsewhere.mjs URL MUTATION`
//
// The same is sent to a server of this script's own, which counts: what does not arrive there proves nothing. What arrives at
// the gateway is counted by whoever started this. CHROMIUM names another browser than /usr/bin/chromium.

import { createServer } from "node:http";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { require, same } from "../clients/check.mjs";

const { chromium } = require("playwright-core");
// whatever hangs is a failure
setTimeout(() => process.exit(1), 120_000).unref();
const gateway = new URL(process.argv[2]);
const mutation = process.argv[3];
const query = "{ customers(first: 1) { nodes { displayName } } }";

const listening = (server) => new Promise((done) => server.listen(0, "127.0.0.1", () => done(server.address().port)));
const seen = [];
const control = createServer((request, response) => {
  seen.push(`${request.method} ${(request.headers["content-type"] ?? "").split(";")[0]}`.trim());
  request.resume().on("end", () => response.end("{}"));
});
control.on("upgrade", (_, socket) => {
  seen.push("socket");
  socket.destroy();
});
const pages = createServer((_, response) => response.setHeader("content-type", "text/html").end("<!doctype html><body>"));
const [target, elsewhere] = [await listening(control), await listening(pages)];

const profile = await mkdtemp(join(tmpdir(), "elsewhere-"));
const browser = await chromium.launchPersistentContext(profile, {
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  headless: true,
  bypassCSP: true,
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--host-resolver-rules=MAP rebound.example 127.0.0.1"],
});

// runs in the page
const attack = async ({ base, query, mutation }) => {
  const settled = (element, place = document.body) =>
    new Promise((done) => {
      element.onload = element.onerror = done;
      place.append(element);
    });
  const made = (name, members) => Object.assign(document.createElement(name), members);
  const ask = (text) => `${base}/graphql?query=${encodeURIComponent(text)}`;
  const body = JSON.stringify({ query: mutation });
  const json = { "content-type": "application/json" };
  const quiet = (promise) => promise.catch(() => {});
  for (const text of [query, mutation]) {
    await settled(made("img", { src: ask(text) }));
    await settled(made("script", { src: ask(text) }));
    await settled(made("link", { rel: "stylesheet", href: ask(text) }), document.head);
    await settled(made("iframe", { src: ask(text) }));
    await quiet(fetch(ask(text), { mode: "no-cors", headers: { accept: "application/json" }, credentials: "include" }));
    await quiet(fetch(ask(text), { headers: { accept: "application/graphql-response+json" } }));
    await new Promise((done) => {
      const events = new EventSource(ask(text));
      events.onopen = events.onerror = () => done(events.close());
    });
  }
  for (const type of ["text/plain", "application/x-www-form-urlencoded"])
    await quiet(fetch(`${base}/graphql`, { method: "POST", mode: "no-cors", headers: { "content-type": type }, body }));
  await quiet(fetch(`${base}/graphql`, { method: "POST", mode: "no-cors", body: new Blob([body]) }));
  // these are announced, and refused then
  await quiet(fetch(`${base}/graphql`, { method: "POST", headers: json, body }));
  await quiet(fetch(`${base}/graphql`, { method: "PUT" }));
  await quiet(fetch(ask(query), { headers: { "apollo-require-preflight": "true" } }));
  navigator.sendBeacon(`${base}/graphql`, body);
  await new Promise((done) => {
    const socket = new WebSocket(`${base.replace("http", "ws")}/graphql`, "graphql-transport-ws");
    socket.onopen = socket.onerror = () => done(socket.close());
  });
};

// runs in the page: a form, whose answer goes into a frame
const submit = ({ base, mutation, enctype }) => {
  const made = (name, members) => Object.assign(document.createElement(name), members);
  const frame = made("iframe", { name: `frame-${enctype}` });
  const form = made("form", { action: `${base}/graphql`, method: "POST", enctype, target: frame.name });
  // as text/plain this is the JSON of a request
  const start = JSON.stringify({ query: mutation }).slice(0, -1) + ',"x":"';
  form.append(made("input", { name: start, value: '"}' }), made("input", { name: "query", value: mutation }));
  document.body.append(frame, form);
  form.submit();
};

const all = async (page, base) => {
  await page.evaluate(attack, { base, query, mutation });
  for (const enctype of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]) {
    const answered = page.waitForResponse((response) => response.request().method() === "POST");
    await Promise.all([answered, page.evaluate(submit, { base, mutation, enctype })]);
  }
};

try {
  const page = await browser.newPage();
  // another port of the same site, and another site
  for (const host of ["127.0.0.1", "localhost"]) {
    await page.goto(`http://${host}:${elsewhere}/`);
    await all(page, `http://127.0.0.1:${target}`);
    await all(page, gateway.origin);
  }
  const count = (what) => seen.filter((one) => one === what).length;
  for (const [what, least] of [["GET", 20], ["POST text/plain", 6], ["POST application/x-www-form-urlencoded", 4], ["POST multipart/form-data", 2], ["OPTIONS", 6], ["socket", 2]])
    same(`${what}, at least ${least} of ${count(what)}`, count(what) >= least, true);
  same("nothing goes out unannounced that must be announced", [count("POST application/json"), count("PUT")], [0, 0]);

  // a page that has rebound its name to the gateway's address is of the gateway's origin, by that name
  await page.goto(`http://rebound.example:${gateway.port}/schema.graphql`);
  const statuses = await page.evaluate(async (query) => {
    const post = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ query }) };
    return [(await fetch("/graphql", post)).status, (await fetch(`/graphql?query=${encodeURIComponent(query)}`)).status];
  }, query);
  same("a rebound page", statuses, [421, 421]);
} finally {
  await browser.close();
  await rm(profile, { recursive: true, force: true });
  control.close();
  pages.close();
}
