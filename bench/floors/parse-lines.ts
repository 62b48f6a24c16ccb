// One pass that parses each line of a file as JSON and keeps nothing: node parse-lines.ts FILE
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';

const [path = ''] = process.argv.slice(2);
let lines = 0;
for await (const line of createInterface({
  input: createReadStream(path),
  crlfDelay: Number.POSITIVE_INFINITY,
})) {
  JSON.parse(line);
  lines += 1;
}
process.stdout.write(`${lines}\n`);
