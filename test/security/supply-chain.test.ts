import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const ROOT = new URL('../../', import.meta.url);

interface Locked {
  readonly version: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly devOptional?: boolean;
  readonly hasInstallScript?: boolean;
}

// Of the form that npm writes (lockfileVersion 3).
const { packages } = JSON.parse(readFileSync(new URL('package-lock.json', ROOT), 'utf8')) as {
  readonly packages: Readonly<Record<string, Locked>>;
};
const manifest = JSON.parse(readFileSync(new URL('package.json', ROOT), 'utf8')) as {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly scripts: Readonly<Record<string, string>>;
  readonly allowScripts: Readonly<Record<string, boolean>>;
};
const installed = Object.entries(packages).filter(([path]) => path !== '');
const atRunTime = installed.filter(([, { dev, devOptional }]) => dev !== true && devOptional !== true);

test('no dependency at run time runs a script when it is installed', () => {
  // The lock speaks of both kinds: this is no empty list because of a form that npm no longer writes.
  expect(atRunTime.map(([path]) => path)).toContain('node_modules/better-sqlite3');
  expect(atRunTime.filter(([, { hasInstallScript }]) => hasInstallScript === true)).toEqual([]);
  // It brings prebuilt binaries. A `binding.gyp` makes npm compile without any script: see allowScripts.
  expect(manifest.allowScripts['better-sqlite3']).toBe(false);
});

test('nothing of ours runs when somebody installs batchctl', () => {
  // `prepare` is not run for an installed package.
  const ran = ['preinstall', 'install', 'postinstall'].filter((name) =>
    Object.hasOwn(manifest.scripts, name),
  );
  expect(ran).toEqual([]);
});

test('the lockfile names each package by its hash, and few are needed at run time', () => {
  expect(installed.filter(([, { integrity }]) => integrity === undefined)).toEqual([]);
  expect(Object.keys(manifest.dependencies).length).toBeLessThanOrEqual(2);
  expect(atRunTime.length).toBeLessThanOrEqual(4);
});
