// Opens a store, and just before its n-th step (a statement of a migration, a change of a file) is killed; or before each
// of them copies the folder, files as a kill would leave them, to a folder named by the step.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { say } from './say.ts';

const [path = '', dieAt = '', copies] = process.argv.slice(2);
let step = 0;

function countStep(): void {
  step += 1;
  if (step === Number(dieAt)) process.kill(process.pid, 'SIGKILL');
  if (copies !== undefined) execFileSync('cp', ['-r', dirname(path), join(copies, String(step))]);
}

const { exec, pragma } = Database.prototype;
Database.prototype.exec = function execOneByOne(sql: string) {
  // No migration has a semicolon at the end of a line but that of a statement.
  for (const statement of sql.split(/;[^\S\n]*\n/)) {
    countStep();
    exec.call(this, statement);
  }
  return this;
};
Database.prototype.pragma = function countPragma(...args: Parameters<typeof pragma>) {
  if (args[0].includes('=')) countStep();
  return pragma.apply(this, args);
};
const statements: object = Object.getPrototypeOf(new Database(':memory:').prepare('SELECT 1'));
const run: unknown = Reflect.get(statements, 'run');
if (typeof run !== 'function') throw new Error('statements have no run');
Reflect.set(statements, 'run', function countRun(this: unknown, ...args: readonly unknown[]): unknown {
  countStep();
  return Reflect.apply(run, this, args);
});
const { openSync, fsyncSync, renameSync, rmSync } = fs;
/** Opening is a step only where it makes a file. */
fs.openSync = (...args) => {
  if (args[1] !== 'r') countStep();
  return openSync(...args);
};
fs.fsyncSync = (...args) => {
  countStep();
  return fsyncSync(...args);
};
fs.renameSync = (...args) => {
  countStep();
  return renameSync(...args);
};
fs.rmSync = (...args) => {
  countStep();
  return rmSync(...args);
};
syncBuiltinESMExports();

const { openStore } = await import('../../../src/store/open.ts');
const store = await openStore(path, { programVersion: '0.2.0', now: () => new Date(0) });
store.close();
say(`opened in ${step} steps`);
