import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { makeWorkbench } from '../support/workbench.ts';

it('a results_url of another host is not dialled: the key stays where it belongs', async () => {
  const dialled: string[] = [];
  const trap = createServer((request, response) => {
    dialled.push(`${request.url} ${request.headers.authorization}`);
    response.end();
  });
  await new Promise<void>((resolve) => trap.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    trap.close();
  });
  const { port } = trap.address() as AddressInfo; // it listens on a port, not on a pipe
  const bench = await makeWorkbench();
  await bench.setFaults(`results-url=http://127.0.0.1:${port}`);
  const job = await bench.build(12);
  const { job: ended } = await bench.run(job);
  expect(ended.state).toBe('done');
  expect(dialled).toEqual([]);
});
