// Reads a trace (`extensions.ftv1`) with Apollo's own reader and prints it as JSON.
//
//   node tests/federation/trace.mjs CgIIAQ==

import { createRequire } from "node:module";
import { resolve } from "node:path";

const require = createRequire(resolve(process.env.NPM_FOLDER ?? "target/npm", "package.json"));
const { Trace } = require("@apollo/usage-reporting-protobuf");
const trace = Trace.decode(Buffer.from(process.argv[2], "base64"));
process.stdout.write(JSON.stringify(Trace.toObject(trace, { longs: Number })));
