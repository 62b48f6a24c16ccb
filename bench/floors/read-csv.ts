// One pass of csv-parse over a file, which keeps nothing: node read-csv.ts FILE
import { createReadStream } from 'node:fs';
import { parse } from 'csv-parse';

const [path = ''] = process.argv.slice(2);
let rows = 0;
for await (const _row of createReadStream(path).pipe(parse({ columns: true, bom: true }))) rows += 1;
process.stdout.write(`${rows}\n`);
