import { startEmulator } from '../../src/emulator/server.ts';

// Serves one emulator until it is killed. Started by tests as a process of its own.
const [stateDir = '', batchSeconds = '2'] = process.argv.slice(2);
const emulator = await startEmulator({ stateDir, batchSeconds: Number(batchSeconds) });
process.stdout.write(`${emulator.url} ${emulator.accountId}\n`);
