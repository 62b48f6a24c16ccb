// Writes docs/errors.md from the source. `npm run docs` runs it, and test/errors.test.ts holds it to the source.
import { writeFileSync } from 'node:fs';
import { errorList } from './error-codes.ts';

writeFileSync(
  new URL('../docs/errors.md', import.meta.url),
  `# Error codes

With \`--json\` an error is one line of JSON on stderr, \`{"error":{"code", "message", "why", "next", …}}\`, see
[json.md](json.md). Codes are for scripts; they are added, never renamed. What happened, why, and what to do next is in the
message itself, and [exit-codes.md](exit-codes.md) says what the exit code of its class means. \`bug\` is a fault of
batchctl's own.

Where the API refused a call, the code is its own type of error, \`overloaded_error\` say; where something in between answered
for it, \`http_\` and the status.

${errorList()}
`,
);
