import { expect, test } from 'vitest';
import { Slots, Turns } from '../../src/cli/turns.ts';

test('turns come one at a time, in the order in which they were asked for, and whoever waits gives its own away', async () => {
  const turns = new Turns();
  const log: string[] = [];
  const work = async (name: string): Promise<void> => {
    let end = await turns.begin();
    log.push(`${name} begins`);
    await Promise.resolve();
    log.push(`${name} waits`);
    end();
    end = await turns.begin();
    log.push(`${name} ends`);
    end();
  };
  await Promise.all(['a', 'b'].map(work));
  expect(log).toEqual(['a begins', 'a waits', 'b begins', 'b waits', 'a ends', 'b ends']);
});

test('no more works than there are slots go on at once, and one that fails leaves its own', async () => {
  const slots = new Slots(2);
  let underWay = 0;
  let most = 0;
  const outcomes = await Promise.allSettled(
    [1, 2, 3, 4, 5].map((number) =>
      slots.within(async () => {
        underWay += 1;
        most = Math.max(most, underWay);
        await Promise.resolve();
        underWay -= 1;
        if (number % 2 === 1) throw new Error('no');
        return number;
      }),
    ),
  );
  expect(most).toBe(2);
  expect(outcomes.map(({ status }) => status)).toEqual([
    'rejected',
    'fulfilled',
    'rejected',
    'fulfilled',
    'rejected',
  ]);
});
