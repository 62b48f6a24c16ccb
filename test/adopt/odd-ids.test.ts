import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { infoPath } from '../../src/steps/finish-job.ts';
import { createElsewhere, untilEnded } from '../support/colleague.ts';
import { makeAdoptBench, numbered } from './bench.ts';

describe('an id of a form that no batch has today', () => {
  test.each(['dots', 'slashes', 'marks', 'long'])('is taken as it is: %s', async (form) => {
    const bench = await makeAdoptBench();
    await bench.setFaults([`odd-ids=${form}`]);
    const batch = await createElsewhere(bench.url, numbered(3));
    await untilEnded(bench.url, batch);
    const retrieved = await bench.run('retrieve', batch, '--emulator', '--name', 'odd');
    expect(retrieved.code, retrieved.stderr).toBe(0);
    const { batches, output_dir: folder } = await bench.json('status', batch);
    expect(batches).toMatchObject([{ batch_id: batch }]);
    expect(await bench.json('verify', batch)).toMatchObject({ ok: true, succeeded: 3 });
    const names = readdirSync(join(bench.dir, String(folder)));
    expect(names.filter((name) => name.endsWith('_info.json'))).toHaveLength(1);
    expect(readdirSync(join(bench.dir, 'batch_results'))).toHaveLength(1);
    // Nothing of it reaches a terminal as an order.
    for (const order of ['\u001b', '\u202e']) {
      expect(retrieved.stdout).not.toContain(order);
      expect(retrieved.stderr).not.toContain(order);
    }
    expect(existsSync(join(bench.dir, '..', `batch_${batch.replace('../', '')}_info.json`))).toBe(false);
  });

  test('two that differ only in their marks have a file each, of a length that every disk takes', () => {
    const paths = ['a/b', 'a_b', 'a.b', 'x'.repeat(256), 'y'.repeat(256), '..'].map((id) =>
      infoPath('d', id),
    );
    expect(new Set(paths).size).toBe(paths.length);
    for (const path of paths) expect(path).toMatch(/^d\/[\w-]{1,100}\.json$/);
    expect(infoPath('d', 'msgbatch_01HkcT')).toBe('d/batch_msgbatch_01HkcT_info.json');
  });
});
