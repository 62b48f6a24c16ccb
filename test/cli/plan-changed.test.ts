import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runCli } from '../support/run-cli.ts';
import { makeTempDir } from '../support/temp-dir.ts';

interface Explained {
  readonly custom_id: string;
  readonly changes: readonly string[];
  readonly sent: boolean;
}

const job = (prompt: string, model = 'claude-haiku-5-5'): string => `name: words
model: ${model}
max_tokens: 200
source: { csv: words.csv }
prompt: "${prompt} {{word}}"
output: "out/{{id}}.md"
`;

test('plan --changed says of each record whether it would be sent, and why', async () => {
  const dir = makeTempDir();
  const env = { BATCHCTL_EMULATOR_BATCH_SECONDS: '1' };
  const write = (yaml: string, rows: readonly string[]): void => {
    writeFileSync(join(dir, 'words.job.yaml'), yaml);
    writeFileSync(join(dir, 'words.csv'), `id,word\n${rows.join('\n')}\n`);
  };
  const explain = async (): Promise<Readonly<Record<string, readonly string[]>>> => {
    const { stdout } = await runCli(['plan', '--changed', '--emulator', '--json'], { cwd: dir });
    const { changes } = JSON.parse(stdout) as { changes: { requests: readonly Explained[] } };
    return Object.fromEntries(
      changes.requests.map((one) => [one.custom_id, [...one.changes, one.sent ? 'sent' : 'not sent']]),
    );
  };
  write(job('Explain'), ['a,apple', 'b,bee', 'c,cow']);
  await runCli(['submit', '--use-batch', '--emulator', '--interval', '200ms'], { cwd: dir, env });

  rmSync(join(dir, 'out/b.md'));
  write(job('Explain'), ['a,apple', 'b,bee', 'c,crow', 'd,dog']);
  expect(await explain()).toEqual({
    a: ['unchanged', 'not sent'],
    b: ['output_deleted', 'not sent'],
    c: ['data_changed', 'sent'],
    d: ['new', 'sent'],
  });
  write(job('Describe'), ['a,apple', 'c,crow']);
  expect(await explain()).toEqual({
    a: ['prompt_changed', 'sent'],
    c: ['prompt_changed', 'data_changed', 'sent'],
  });
  write(job('Explain', 'claude-sonnet-5-5'), ['a,apple']);
  expect(await explain()).toEqual({ a: ['model_changed', 'sent'] });
}, 60_000);
