import type { Manifest } from './workspace.ts'

/** An entry of `exports` as published: TypeScript takes the first condition that matches, so `types` comes first. */
type Entry = { readonly types: string; readonly default: string } | string

const SOURCE = /^\.\/src\/(.+)\.ts$/

/** What is for the workspace only. */
const DEVELOPMENT: readonly string[] = ['devDependencies', 'scripts', 'private', 'exports', 'files']

function built(source: string): Entry {
  const [, path] = SOURCE.exec(source) ?? []
  if (path === undefined) throw new Error(`exports name ${source}: a source is ./src/….ts`)
  return { types: `./dist/${path}.d.ts`, default: `./dist/${path}.js` }
}

function builtExports(sources: Readonly<Record<string, string>>): Readonly<Record<string, Entry>> {
  const entries = Object.entries(sources).map(([path, source]): [string, Entry] => [path, built(source)])
  return { ...Object.fromEntries(entries), './package.json': './package.json' }
}

/** The package.json to publish: entries are those of `dist`, and what only development needs is left out. */
export function stagedManifest(manifest: Manifest): Readonly<Record<string, unknown>> {
  const kept = Object.entries(manifest).filter(([name]) => !DEVELOPMENT.includes(name))
  return {
    ...Object.fromEntries(kept),
    ...(manifest.exports ? { exports: builtExports(manifest.exports) } : {}),
    files: ['dist', ...(manifest.bin ? ['bin'] : [])],
  }
}
