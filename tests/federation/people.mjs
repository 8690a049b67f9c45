// A second subgraph beside the catalog, on a port that the system chooses: who the owners of devices are, and songs.

import { subgraph } from "./subgraph.mjs";

export const sdl = `
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@shareable"])
  type Query { owners: [Owner!]! song: Media warranty: Warranty }
  type Owner @key(fields: "email") {
    email: String! name: String devices: Int @shareable years: Int! address: Address newestDevice: ID
  }
  type Address @shareable { country: String }
  interface Media @key(fields: "id") { id: ID! }
  type Song implements Media @key(fields: "id") { id: ID! title: String }
  type Warranty @key(fields: "number") { number: String! }
`;

const served = `
  type Query { owners: [Owner!]! song: Media warranty: Warranty }
  type Owner { email: String! name: String devices: Int years: Int! address: Address newestDevice: ID }
  type Address { country: String }
  interface Media { id: ID! }
  type Song implements Media { id: ID! title: String }
  type Warranty { number: String! }
`;

/** `owners`: what each is; `song`: its id. */
export async function start(graphql, { owners, song }, seen) {
  const byKey = {
    Owner: ({ email }) => owners.find((owner) => owner.email === email) ?? null,
    Song: ({ id }) => ({ __typename: "Song", id, title: "A song" }),
    Media: ({ id }) => ({ __typename: "Song", id, title: "A song" }),
    Warranty: ({ number }) => ({ number }),
  };
  const root = { owners: () => owners, song: () => byKey.Song({ id: song }), warranty: () => ({ number: "w1" }) };
  return subgraph(graphql, "people", { sdl, served, members: ["Owner", "Song", "Warranty"], root, byKey }, seen);
}
