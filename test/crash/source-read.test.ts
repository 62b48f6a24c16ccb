import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runUnderStrace, sayLeftOut, straceProblem } from '../support/strace.ts';
import { makeTempDir } from '../support/temp-dir.ts';

const CHUNK_BYTES = 65_536;
const WORDS = 'word '.repeat(20);
const RECORDS = Array.from({ length: 3_000 }, (_, index) => [`r${index + 1}`, WORDS] as const);

const SOURCES = [
  ['csv', `id,word\n${RECORDS.map((record) => record.join(',')).join('\n')}\n`],
  ['jsonl', RECORDS.map(([id, word]) => `${JSON.stringify({ id, word })}\n`).join('')],
] as const;

const problem = straceProblem();
if (problem !== null) sayLeftOut('no read of a source is made to fail', problem);

describe.skipIf(problem !== null)('a disk that fails in the middle of a source', () => {
  it.each(SOURCES)('of %s leaves with 6, says at which byte, and builds nothing', async (kind, text) => {
    const file = `words.${kind}`;
    const job = `name: words\nmodel: claude-haiku-5-5\nmax_tokens: 500\nsource: { ${kind}: ${file} }\nprompt: "{{word}}"\n`;
    const dir = makeTempDir({ [file]: text, 'words.job.yaml': job });
    const { code, stderr } = await runUnderStrace(['build', '--emulator', '--json'], {
      cwd: dir,
      // Node reads in threads of its own: with one of them the third read is the third chunk.
      env: { UV_THREADPOOL_SIZE: '1' },
      calls: ['read', 'pread64'],
      paths: [join(dir, file)],
      inject: 'pread64:error=EIO:when=3',
      allThreads: true,
      log: join(makeTempDir(), 'log'),
    });
    expect(code, stderr).toBe(6);
    const { error } = JSON.parse(stderr);
    expect(error).toMatchObject({ code: 'source_read_failed', next: expect.any(String) });
    expect(error.why).toContain(`byte ${2 * CHUNK_BYTES}`);
    expect(readdirSync(join(dir, 'batch_requests'))).toEqual([]);
  });
});
