import { expect, test } from 'vitest';
import { readSource } from './read-source.ts';

test('records that only the program had which built the job are named as that', async () => {
  await expect(readSource('/', { kind: 'given' })).rejects.toMatchObject({
    code: 'source_given',
    next: 'run that program again',
  });
});
