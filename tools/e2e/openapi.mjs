// Reads an OpenAPI document in JSON, and writes whether it is valid by the official schema of its version.
import { readFileSync } from "node:fs";
import { Validator } from "@seriousme/openapi-schema-validator";

const validator = new Validator();
const { valid, errors } = await validator.validate(JSON.parse(readFileSync(0, "utf8")));
console.log(JSON.stringify({ version: validator.version, valid, errors }));
