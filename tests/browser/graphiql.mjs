// The query page in a real browser that can reach nobody but the gateway.
//
//   npm install --prefix target/npm --no-save playwright-core
//   node tests/browser/graphiql.mjs http://127.0.0.1:4000/ [--expect TEXT]... [--screenshot artifacts/graphiql.png]
//
// Opens the page, runs the first prepared query by clicking, opens every pane, and keeps a picture. Exits 1 and says why if
// the answer lacks an expected text or has errors, if anything was asked of another host, or if the console or the content
// security policy complains. CHROMIUM names another browser than /usr/bin/chromium, NPM_FOLDER another folder than target/npm.

import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    expect: { type: "string", multiple: true, default: [] },
    screenshot: { type: "string", default: "artifacts/graphiql.png" },
  },
});
assert.equal(positionals.length, 1, "usage: node graphiql.mjs URL [--expect TEXT]... [--screenshot FILE]");
const url = new URL(positionals[0]);
const require = createRequire(resolve(process.env.NPM_FOLDER ?? "target/npm", "package.json"));
const { chromium } = require("playwright-core");

const profile = await mkdtemp(join(tmpdir(), "graphiql-"));
const problems = [];
const browser = await chromium.launchPersistentContext(profile, {
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  headless: true,
  viewport: { width: 1440, height: 900 },
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    `--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE ${url.hostname}`,
  ],
});

try {
  const page = await browser.newPage();
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) problems.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => problems.push(`script: ${error.message}`));
  page.on("request", (request) => {
    const { protocol, origin } = new URL(request.url());
    const isLocal = origin === url.origin || protocol === "data:" || protocol === "blob:";
    if (!isLocal) problems.push(`request to another host: ${request.url()}`);
  });
  page.on("response", (response) => {
    if (response.status() >= 400) problems.push(`status ${response.status()} of ${response.url()}`);
  });
  await page.exposeFunction("reportViolation", (text) => problems.push(`content security policy: ${text}`));
  await page.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) => {
      window.reportViolation(`${event.violatedDirective} refused ${event.blockedURI} (${event.sourceFile}:${event.lineNumber})`);
    });
  });

  await page.goto(url.href, { waitUntil: "networkidle" });
  await page.getByRole("button", { name: /execute query/i }).click();
  // the answer, once it is there as a whole
  const readAnswer = () => {
    const editor = document.querySelector(".result-window .CodeMirror");
    const text = editor ? editor.CodeMirror.getValue() : (document.getElementById("answer")?.textContent ?? "");
    return text.trimEnd().endsWith("}") ? text : "";
  };
  await page
    .waitForFunction(readAnswer, undefined, { timeout: 30_000 })
    .catch(() => problems.push("no answer came within 30 s"));
  const answer = await page.evaluate(readAnswer);
  await mkdir(dirname(options.screenshot), { recursive: true });
  await page.screenshot({ path: options.screenshot });

  if (!answer.includes('"data"')) problems.push(`the answer has no data: ${answer.slice(0, 400)}`);
  if (answer.includes('"errors"')) problems.push(`the answer has errors: ${answer.slice(0, 400)}`);
  for (const text of options.expect) {
    if (!answer.includes(text)) problems.push(`the answer does not hold ${JSON.stringify(text)}: ${answer.slice(0, 400)}`);
  }

  // an answer in parts is put together
  const inParts = page.getByRole("tab", { name: /InParts/i });
  if (await inParts.count()) {
    const readWhole = () => {
      const text = document.querySelector(".result-window .CodeMirror").CodeMirror.getValue();
      return text.includes('"tickets"') && text.includes('"sourceStatus"') ? text : "";
    };
    await inParts.first().click();
    // GraphiQL fills the editors of a tab one after the other, and learns the operation's name and variables a moment later
    const isSettled = () => {
      const [query, variables] = [".graphiql-query-editor", ".graphiql-editor-tool"].map(
        (name) => document.querySelector(`${name} .CodeMirror`).CodeMirror,
      );
      return query.getValue().includes("@defer") && query.operationName?.endsWith("InParts") && variables.getValue().includes("email");
    };
    await page
      .waitForFunction(isSettled, undefined, { timeout: 30_000 })
      .catch(() => problems.push("the tab did not settle within 30 s"));
    const answered = page.waitForResponse((response) => response.request().postData()?.includes("@defer") ?? false);
    await page.getByRole("button", { name: /execute query/i }).click();
    const response = await answered;
    const type = response.headers()["content-type"];
    const refused = type.startsWith("multipart/mixed") ? "" : `${type}: ${await response.text()}`;
    if (refused) problems.push(`no parts came but ${refused}`);
    await page
      .waitForFunction(readWhole, undefined, { timeout: 30_000 })
      .catch(() => problems.push("the later parts did not come within 30 s"));
    const whole = await page.evaluate(readWhole);
    if (/"(errors|pending|incremental)"/.test(whole)) problems.push(`the parts were not put together: ${whole.slice(0, 400)}`);
  }

  // every pane and menu, for what it may load or style
  for (const name of [/show documentation explorer/i, /show history/i, /show graphiql explorer/i]) {
    const button = page.getByRole("button", { name });
    if (await button.count()) await button.first().click();
  }
  const settings = page.getByRole("button", { name: /open settings dialog/i });
  if (await settings.count()) {
    await settings.click();
    await page.keyboard.press("Escape");
  }
  const tabs = await page.getByRole("tab").count();
  for (let index = 1; index < tabs; index += 1) await page.getByRole("tab").nth(index).click();
  await page.waitForTimeout(300);
} finally {
  await browser.close();
  await rm(profile, { recursive: true, force: true });
}

for (const problem of problems) console.error(problem);
console.log(problems.length === 0 ? `fine; the picture is ${options.screenshot}` : `${problems.length} problems`);
process.exitCode = problems.length === 0 ? 0 : 1;
