import { chmodSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { watchHome } from '../../src/files/home.ts';
import { makeTempDir } from '../support/temp-dir.ts';

it('a workspace is gone from its place when it was moved, also when another folder stands there now', () => {
  const parent = makeTempDir();
  const root = join(parent, 'work');
  mkdirSync(root);
  const home = watchHome(root);
  expect(home.isThere()).toBe(true);
  renameSync(root, join(parent, 'elsewhere'));
  expect(home.isThere()).toBe(false);
  mkdirSync(root);
  expect(home.isThere()).toBe(false);
  expect(() => home.require()).toThrow(expect.objectContaining({ code: 'workspace_moved' }));
});

it('one that the system tells nothing about has not moved', () => {
  const parent = makeTempDir();
  const root = join(parent, 'work');
  mkdirSync(root);
  const home = watchHome(root);
  const isRoot = process.geteuid?.() === 0;
  chmodSync(parent, 0);
  // Root may look everywhere, so it steps down for a moment.
  if (isRoot) process.seteuid?.(65_534);
  try {
    expect(home.isThere()).toBe(true);
  } finally {
    if (isRoot) process.seteuid?.(0);
    chmodSync(parent, 0o700);
  }
});
