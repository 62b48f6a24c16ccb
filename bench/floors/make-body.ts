// The body of a create from a file of request lines: node make-body.ts LINES BODY
import { createReadStream, createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

const [lines = '', body = ''] = process.argv.slice(2);
async function* pieces(): AsyncGenerator<string> {
  let before = '{"requests":[';
  for await (const line of createInterface({ input: createReadStream(lines) })) {
    yield before + line;
    before = ',';
  }
  yield ']}';
}
await pipeline(Readable.from(pieces()), createWriteStream(body));
