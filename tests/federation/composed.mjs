// Composes a running Cyclorama with another subgraph, by both composers, and asks both routers.
//
//   node tests/federation/composed.mjs '{ "url": "http://127.0.0.1:4000/graphql", "with": "loyalty", "best": [], "broken": [], "unranked": [],
//     "operations": ["{ best { points displayName } }"] }'
//
// Prints, as JSON, what composers found wrong, and for each router and operation the answer and the requests that the
// subgraphs received. NPM_FOLDER names another folder than target/npm.

import { createRequire } from "node:module";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

import { body, listen } from "./subgraph.mjs";

const folder = resolve(process.env.NPM_FOLDER ?? "target/npm", "package.json");
const require = createRequire(folder);
const graphql = require("graphql");
const settings = JSON.parse(process.argv[2]);
const seen = [];

const { sdl, start } = await import(`./${settings.with}.mjs`);
const second = await start(graphql, settings, seen);
// what routers send to Cyclorama passes through here, to be counted
const first = await listen(async (request, response) => {
  const text = await body(request);
  seen.push({ subgraph: "cyclorama", representations: JSON.parse(text).variables?.representations?.length });
  const answer = await fetch(settings.url, { method: "POST", headers: { "content-type": "application/json" }, body: text });
  response.writeHead(answer.status, { "content-type": answer.headers.get("content-type") }).end(await answer.text());
});

async function post(url, query) {
  const headers = { "content-type": "application/json", accept: "application/json" };
  return (await fetch(url, { method: "POST", headers, body: JSON.stringify({ query }) })).json();
}

const service = await post(settings.url, "{ _service { sdl } }");
const services = [
  { name: "cyclorama", url: first.url, typeDefs: graphql.parse(service.data._service.sdl) },
  { name: settings.with, url: second.url, typeDefs: graphql.parse(sdl) },
];
const composers = {
  apollo: require("@apollo/composition").composeServices,
  guild: require("@theguild/federation-composition").composeServices,
};
const composed = Object.fromEntries(Object.entries(composers).map(([name, compose]) => [name, compose(services)]));
const problems = Object.fromEntries(
  Object.entries(composed).map(([name, { errors }]) => [name, (errors ?? []).map((error) => error.message)]),
);
const report = { problems, answers: {} };

async function ask(name, answer) {
  report.answers[name] = [];
  for (const operation of settings.operations ?? []) {
    seen.length = 0;
    const { data, errors } = await answer(operation);
    report.answers[name].push(JSON.parse(JSON.stringify({ data, errors, requests: [...seen] })));
  }
}

async function apollo(supergraphSdl) {
  const silent = { debug() {}, info() {}, warn() {}, error() {} };
  const { ApolloGateway } = require("@apollo/gateway");
  const gateway = new ApolloGateway({ supergraphSdl, logger: silent });
  const { schema, executor } = await gateway.load();
  const answer = (query) =>
    executor({
      schema,
      document: graphql.parse(query),
      queryHash: query,
      request: { query, variables: {} },
      operationName: null,
      context: {},
      logger: silent,
      metrics: {},
      cache: new Map(),
      overallCachePolicy: { policyIfCacheable() {}, restrict() {} },
    });
  await ask("apollo", answer);
  await gateway.stop();
}

async function hive(supergraph) {
  const runtimePath = require.resolve("@graphql-hive/gateway-runtime");
  const { createGatewayRuntime } = await import(pathToFileURL(runtimePath));
  const runtime = createGatewayRuntime({ supergraph, logging: false, maskedErrors: false });
  const answer = async (query) => {
    const headers = { "content-type": "application/json", accept: "application/json" };
    const request = { method: "POST", headers, body: JSON.stringify({ query }) };
    return (await runtime.fetch("http://router.test/graphql", request)).json();
  };
  await ask("hive", answer);
  await runtime[Symbol.asyncDispose]?.();
}

try {
  // @apollo/gateway refuses supergraphs with rules that it cannot enforce itself; Cyclorama enforces its own in any case
  const open = ["authenticated", "requiresScopes", "policy"].reduce(
    (text, name) =>
      text.replace(new RegExp(` @${name}\\b(\\([^)]*\\))?`, "g"), "").replace(new RegExp(`,? *"@${name}"`), ""),
    service.data._service.sdl,
  );
  const [ours, theirs] = services;
  const { supergraphSdl, errors } = composers.apollo([{ ...ours, typeDefs: graphql.parse(open) }, theirs]);
  if (errors) report.problems.apollo.push(...errors.map((error) => error.message));
  else await apollo(supergraphSdl);
  if (composed.guild.supergraphSdl) await hive(composed.guild.supergraphSdl);
} finally {
  for (const { server } of [first, second]) {
    server.closeAllConnections();
    server.close();
  }
}
process.stdout.write(JSON.stringify(report), () => process.exit(0));
