// The text of each raw result in a file of its own, written whole and renamed: node write-files.ts RAW FOLDER
import { createReadStream, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const [raw = '', folder = ''] = process.argv.slice(2);
const texts: string[] = [];
for await (const line of createInterface({ input: createReadStream(raw) })) {
  const { custom_id: id, result } = JSON.parse(line);
  texts.push(id, result.message.content[0].text);
}
mkdirSync(folder, { recursive: true });
const startedMs = performance.now();
for (let at = 0; at < texts.length; at += 2) {
  const path = join(folder, `${texts[at]}.md`);
  writeFileSync(`${path}.tmp`, texts[at + 1] ?? '');
  renameSync(`${path}.tmp`, path);
}
// The writes alone, in milliseconds.
process.stdout.write(`${performance.now() - startedMs}\n`);
