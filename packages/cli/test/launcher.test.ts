import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Script } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { launcher, temporaryFolder, spawnCli } from './spawn-cli.ts'

/** The launcher in a package of its own, beside these files. */
async function launched(files: Readonly<Record<string, string>>, preamble = '') {
  const { cwd, remove } = temporaryFolder({ 'package.json': '{"type":"module"}' })
  mkdirSync(join(cwd, 'bin'))
  const entry = join(cwd, 'bin', 'guestpass.js')
  if (preamble) writeFileSync(entry, preamble + readFileSync(launcher, 'utf8').replace(/^#!.*/, ''))
  else copyFileSync(launcher, entry)
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(cwd, path, '..'), { recursive: true })
    writeFileSync(join(cwd, path), text)
  }
  try {
    return await spawnCli([], cwd, {}, { entry }).ended
  } finally {
    remove()
  }
}

const version = (node: string): string => `Object.defineProperty(process, 'versions', { value: { node: '${node}' } });`
const main = { 'dist/main.js': "console.log('built')" }

describe('the launcher', () => {
  it.each(['18.20.8', '20.20.2', '22.18.0', '8.17.0'])(
    'prints for Node %s in one line what is needed, and exits 2',
    async (node) => {
      const { code, out, err } = await launched(main, version(node))
      expect([code, out]).toEqual([2, ''])
      expect(err).toMatch(
        /^guestpass needs Node\.js 22\.19 or newer, and this is [\d.]+\. .*npm install node@24, then npx guestpass\. .*https:\/\/nodejs\.org.*\n$/,
      )
      expect(err).toContain(node)
    },
  )

  it.each(['22.19.0', '23.0.0', '24.21.0', '100.0.0'])('goes on with Node %s', async (node) => {
    expect(await launched(main, version(node))).toEqual({ code: 0, out: 'built\n', err: '' })
  })

  it('is a script without modules or newer syntax, so that old versions can parse it', () => {
    const source = readFileSync(launcher, 'utf8')
    expect(() => new Script(source.replace(/^#!.*/, ''))).not.toThrow()
    expect(source).not.toMatch(/\?\.|\?\?|=>|`|\basync\b|\bawait\b|^import /m)
  })

  it('prefers the sources of a checkout to what was built', async () => {
    expect((await launched({ ...main, 'src/main.ts': "console.log('source' as string)" })).out).toBe('source\n')
  })

  it("starts what was built where Yarn's Plug'n'Play says that there are no sources", async () => {
    const plug = `process.getBuiltinModule('node:module').registerHooks({ resolve(name, context, next) {
      if (!name.endsWith('/src/main.ts')) return next(name, context)
throw new Error('Qualified path resolution failed: we looked for the following paths')
    } })`
    expect(await launched(main, plug)).toEqual({ code: 0, out: 'built\n', err: '' })
  })

  it('does not hide that something else is missing', async () => {
    const { code, err } = await launched({ ...main, 'src/main.ts': "import './absent.ts'" })
    expect(code).toBe(1)
    expect(err).toContain('absent.ts')
  })

  it('silences the experimental warning of SQLite and no other', async () => {
    const warn =
      "process.emitWarning('SQLite is an experimental feature', 'ExperimentalWarning'); process.emitWarning('Tea', 'ExperimentalWarning'); process.emitWarning('SQLite', 'Other')"
    const { err } = await launched({ 'dist/main.js': warn })
    expect(err).not.toContain('experimental feature')
    expect(err).toContain('ExperimentalWarning: Tea')
    expect(err).toContain('Other: SQLite')
  })
})
