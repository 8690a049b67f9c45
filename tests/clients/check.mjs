// What the scripts of this folder share: npm packages from target/npm, and a check that says what was seen.

import { createRequire } from "node:module";
import { resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";

export const require = createRequire(resolve(process.env.NPM_FOLDER ?? "target/npm", "package.json"));

export function same(what, seen, expected) {
  if (isDeepStrictEqual(seen, expected)) return;
  console.error(`${what}: saw ${JSON.stringify(seen)}, expected ${JSON.stringify(expected)}`);
  process.exit(1);
}
