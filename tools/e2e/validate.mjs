// Reads pages, one JSON string a line, and writes the errors of each as a JSON list. It holds pages against what the HTML
// standard says and against what helps people, not against anybody's style.
import { createInterface } from "node:readline";
import { HtmlValidate } from "html-validate";

const validator = new HtmlValidate({
  root: true,
  extends: ["html-validate:standard", "html-validate:document", "html-validate:a11y"],
  rules: {
    // A hash protects from others. What is of the same origin is ours, and the policy allows no other.
    "require-sri": ["error", { target: "crossorigin" }],
    // By the standard a button submits its form, and that is what they are for here.
    "no-implicit-button-type": "off",
  },
});

for await (const line of createInterface({ input: process.stdin })) {
  const { results } = await validator.validateString(JSON.parse(line));
  const messages = results.flatMap((result) => result.messages);
  console.log(JSON.stringify(messages.map((m) => `line ${m.line}: ${m.ruleId}: ${m.message}`)));
}
