// A subgraph in Node, on a port that the system chooses, that notes what it is asked for.

import { createServer } from "node:http";

export async function body(request) {
  let text = "";
  for await (const chunk of request) text += chunk;
  return text;
}

export async function listen(handler) {
  const server = createServer((request, response) => {
    handler(request, response).catch((error) => response.writeHead(500).end(String(error)));
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return { server, url: `http://127.0.0.1:${server.address().port}/graphql` };
}

/** `sdl`: for composers; `served`: the same without directives; `byKey`: by type, the object of a representation. */
export async function subgraph(graphql, name, { sdl, served, members, root, byKey }, seen) {
  const schema = graphql.buildSchema(`
    scalar _Any
    union _Entity = ${members.join(" | ")}
    type _Service { sdl: String! }
    extend type Query { _service: _Service! _entities(representations: [_Any!]!): [_Entity]! }
    ${served}
  `);
  const entity = (representation) => {
    const found = byKey[representation.__typename](representation);
    return found && { __typename: representation.__typename, ...found };
  };
  const rootValue = {
    ...root,
    _service: () => ({ sdl }),
    _entities: ({ representations }) => representations.map(entity),
  };
  return listen(async (request, response) => {
    const { query, variables, operationName } = JSON.parse(await body(request));
    seen.push({ subgraph: name, representations: variables?.representations?.length });
    const answer = await graphql.graphql({ schema, source: query, rootValue, variableValues: variables, operationName });
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answer));
  });
}
