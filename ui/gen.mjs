// Makes the console's types of the services' OpenAPI documents, or checks (`--check`) that they are as made.
import { execFileSync } from "node:child_process";

const OPTIONS = ["--root-types", "--root-types-no-schema-prefix", "--alphabetize"];

for (const service of ["operator", "replay"]) {
  const files = [`../docs/openapi/${service}.json`, "--output", `src/gen/${service}.ts`];
  execFileSync("openapi-typescript", [...files, ...OPTIONS, ...process.argv.slice(2)], { stdio: "inherit" });
}
