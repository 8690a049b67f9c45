// A second subgraph beside the shipped graph: loyalty points of customers.
//
// Customers whose id is among `broken` fail, those among `unranked` have no points.

import { subgraph } from "./subgraph.mjs";

export const sdl = `
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])
  type Query { best: [Customer] }
  type Customer @key(fields: "id") { id: ID! points: Int tier: String }
`;

const served = `
  type Query { best: [Customer] }
  type Customer { id: ID! points: Int tier: String }
`;

export async function start(graphql, { best, broken, unranked }, seen) {
  const customer = (id) => ({
    id,
    points: () => {
      if (broken.includes(id)) throw new Error("points are not known");
      return unranked.includes(id) ? null : id.length;
    },
    tier: "GOLD",
  });
  const root = { best: () => best.map(customer) };
  const byKey = { Customer: ({ id }) => customer(id) };
  return subgraph(graphql, "loyalty", { sdl, served, members: ["Customer"], root, byKey }, seen);
}
