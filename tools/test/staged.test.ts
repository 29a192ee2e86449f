import { describe, expect, it } from 'vitest'
import { stagedManifest } from '../packages/staged.ts'

const manifest = {
  name: '@guestpass/example',
  version: '1.2.3',
  scripts: { test: 'exit 1' },
  exports: { '.': './src/index.ts', './deep': './src/deep/index.ts' },
  dependencies: { zod: '4.0.0' },
  devDependencies: { vitest: '5.0.0' },
}

describe('the package.json to publish', () => {
  it('names what was built, types first, and itself', () => {
    const { exports = {} } = stagedManifest(manifest) as { readonly exports?: Readonly<Record<string, object>> }
    expect(exports).toEqual({
      '.': { types: './dist/index.d.ts', default: './dist/index.js' },
      './deep': { types: './dist/deep/index.d.ts', default: './dist/deep/index.js' },
      './package.json': './package.json',
    })
    expect(Object.keys(exports['.'] ?? {})).toEqual(['types', 'default'])
  })

  it('names joined modules for Node, and separate ones for the bundlers of pages', () => {
    const exports = { ...manifest.exports, './web': './src/web/index.ts' }
    const staged = stagedManifest({ ...manifest, exports }) as { readonly exports: Readonly<Record<string, object>> }
    const deep = {
      types: './dist/deep/index.d.ts',
      node: './dist/joined/deep/index.js',
      default: './dist/deep/index.js',
    }
    expect(Object.entries(staged.exports['./deep'] ?? {})).toEqual(Object.entries(deep))
  })

  it('leaves out what only development needs', () => {
    const staged = stagedManifest(manifest)
    expect(Object.keys(staged)).toEqual(['name', 'version', 'dependencies', 'exports', 'files'])
    expect(staged['files']).toEqual(['dist'])
  })

  it('packs the launcher of a command, and has no entries where there are none', () => {
    const { exports: _, ...command } = { ...manifest, bin: { example: 'bin/example.js' } }
    const staged = stagedManifest(command)
    expect(staged['files']).toEqual(['dist', 'bin'])
    expect(staged).not.toHaveProperty('exports')
  })

  it('refuses an entry that is not a source', () => {
    expect(() => stagedManifest({ ...manifest, exports: { '.': './lib/index.js' } })).toThrow(
      'exports name ./lib/index.js: a source is ./src/….ts',
    )
  })
})
