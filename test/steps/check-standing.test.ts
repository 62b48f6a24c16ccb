import { expect, it } from 'vitest';
import { findForgotten } from '../../src/steps/check-standing.ts';
import { makeWorkbench } from '../support/workbench.ts';

it('what another process seals during the comparison does not make the database an older copy', async () => {
  const bench = await makeWorkbench();
  const job = await bench.build(3, {}, { name: 'first' });
  const other = await bench.build(4, {}, { name: 'other' });
  const { store, files } = bench.deps;
  let asked = 0;
  const busy = {
    ...store,
    async standing(id: number) {
      const before = await store.standing(id);
      asked += 1;
      // Between this answer and the next look at the log.
      if (asked === 1) await bench.run(other, { until: 'submitted' });
      return before;
    },
  };
  expect(await findForgotten([job], { store: busy, files })).toEqual([]);
  expect(asked).toBeGreaterThan(1);
});
