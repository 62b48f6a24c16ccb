import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A job whose answers can be told apart: the emulator quotes the marker of each record back. */
export function writeSampleJob(dir: string, records: number, more = ''): void {
  mkdirSync(dir, { recursive: true });
  const rows = Array.from({ length: records }, (_, index) => `r${index + 1},word ${index + 1}`);
  writeFileSync(join(dir, 'words.csv'), `id,word\n${rows.join('\n')}\n`);
  writeFileSync(
    join(dir, 'words.job.yaml'),
    `name: words\nmodel: claude-haiku-5-5\nmax_tokens: 500\nsource: { csv: words.csv }\nprompt: "marker-{{id}}-end: explain {{word}}"\n${more}`,
  );
}

/** The marker of the record, as it must come back on its own row. */
export function marker(customId: string): string {
  return `marker-${customId}-end`;
}
