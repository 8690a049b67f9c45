// The audits of the npm package graphql-http against a running gateway.
//
//   npm install --prefix target/npm --no-save graphql graphql-http
//   node tests/browser/audit.mjs http://127.0.0.1:4000/graphql
//
// Exits 1 and lists the audits that did not pass. NPM_FOLDER names another folder than target/npm.

import { createRequire } from "node:module";
import { resolve } from "node:path";

const require = createRequire(resolve(process.env.NPM_FOLDER ?? "target/npm", "package.json"));
const { auditServer } = require("graphql-http");

const results = await auditServer({ url: process.argv[2], fetchFn: fetch });
const failed = results.filter((result) => result.status !== "ok");
for (const { id, name, status, reason } of failed) console.error(`${status}: ${id} ${name}: ${reason}`);
for (const { id, name, status } of results) console.log(`${status} ${id} ${name}`);
console.log(`${results.length - failed.length} of ${results.length} audits passed`);
process.exitCode = failed.length === 0 ? 0 : 1;
