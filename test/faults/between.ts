import { connect, createServer, type Server } from 'node:net';
import { onTestFinished } from 'vitest';

/** What stands between the program and the emulator, and sees every byte. */
export interface Between {
  readonly url: string;
  /** The first line of each connection, in order: `POST /v1/messages/batches HTTP/1.1`. */
  readonly firstLines: readonly string[];
  /** All that the program has sent, over all connections. */
  sent(): string;
}

/** Passes every connection on to `target` as it is. Ends with the test. */
export async function standBetween(target: string): Promise<Between> {
  const { port } = new URL(target);
  const firstLines: string[] = [];
  const chunks: Buffer[] = [];
  const server = createServer((near) => {
    const far = connect(Number(port), '127.0.0.1');
    near.once('data', (chunk: Buffer) => firstLines.push(chunk.toString('latin1').split('\r\n')[0] ?? ''));
    near.on('data', (chunk: Buffer) => chunks.push(chunk));
    near.pipe(far).pipe(near);
    near.on('error', () => far.destroy());
    far.on('error', () => near.destroy());
  });
  onTestFinished(() => void server.close());
  return {
    url: `http://127.0.0.1:${await listen(server)}`,
    firstLines,
    sent: () => Buffer.concat(chunks).toString('latin1'),
  };
}

/** A free port of this machine alone. */
export function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      if (typeof address === 'object' && address !== null) resolve(address.port);
    });
  });
}
