// Judges an AsyncAPI document by the parser of those who make AsyncAPI: `node asyncapi.mjs FILE`.
// Says what is wrong, if anything, one finding a line; an error ends it with 1.
import { readFileSync } from "node:fs";
import { DiagnosticSeverity, Parser } from "@asyncapi/parser";

const { document, diagnostics } = await new Parser().parse(readFileSync(process.argv[2], "utf-8"));
for (const { severity, code, path, message } of diagnostics) {
  console.log(`${DiagnosticSeverity?.[severity] ?? severity} ${code} at ${path.join(".")}: ${message}`);
}
if (document === undefined || diagnostics.some(({ severity }) => severity === 0)) process.exit(1);
console.log(`valid: ${document.channels().length} channels, ${document.allMessages().length} messages`);
