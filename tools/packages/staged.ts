import { isForPages, JOINED, type Manifest } from './workspace.ts'

/** An entry of `exports` as published: the first condition that matches is taken, so `types` comes first. */
type Entry = { readonly types: string; readonly node?: string; readonly default: string } | string

const SOURCE = /^\.\/src\/(.+)\.ts$/

/** What is for the workspace only. */
const DEVELOPMENT: readonly string[] = ['devDependencies', 'scripts', 'private', 'exports', 'files']

function built(source: string, forPages: boolean): Entry {
  const [, path] = SOURCE.exec(source) ?? []
  if (path === undefined) throw new Error(`exports name ${source}: a source is ./src/….ts`)
  const node = forPages ? { node: `./dist/${JOINED}/${path}.js` } : {}
  return { types: `./dist/${path}.d.ts`, ...node, default: `./dist/${path}.js` }
}

function builtExports(sources: Readonly<Record<string, string>>): Readonly<Record<string, Entry>> {
  const forPages = isForPages({ exports: sources })
  const entries = Object.entries(sources).map(([path, source]): [string, Entry] => [path, built(source, forPages)])
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
