// Composes subgraphs by both composers and prints, as JSON, what each finds wrong.
//
//   node tests/federation/composers.mjs '{ "cyclorama": "type Query { … }", "loyalty": "…" }'

import { createRequire } from "node:module";
import { resolve } from "node:path";

const require = createRequire(resolve(process.env.NPM_FOLDER ?? "target/npm", "package.json"));
const graphql = require("graphql");
const services = Object.entries(JSON.parse(process.argv[2])).map(([name, sdl]) => ({
  name,
  url: `http://${name}.test/graphql`,
  typeDefs: graphql.parse(sdl),
}));
const problems = (compose) => (compose(services).errors ?? []).map((error) => error.message);
process.stdout.write(
  JSON.stringify({
    apollo: problems(require("@apollo/composition").composeServices),
    guild: problems(require("@theguild/federation-composition").composeServices),
  }),
);
