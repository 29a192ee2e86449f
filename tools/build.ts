/**
 * `npm run build`: writes JavaScript, declarations and source maps of every package to its `dist`. Development needs
 * none of it. `--no-check` writes the same without a look for type errors, for callers that have looked.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { globSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { joinModules } from './packages/join-modules.ts'
import { isForPages, type Package, packagesOf } from './packages/workspace.ts'

const root = join(import.meta.dirname, '..')
const noCheck = process.argv.includes('--no-check') ? ['--noCheck'] : []

/** TypeScript 7 writes `.js` for `.ts` in JavaScript, and leaves declarations as they are. */
function nameJavaScript(declarations: string): string {
  return declarations.replaceAll(/(\bfrom |\bimport\()(['"])(\.[^'"]*)\.ts\2/g, '$1$2$3.js$2')
}

async function build(each: Package): Promise<boolean> {
  const { folder, manifest } = each
  const dist = join(folder, 'dist')
  rmSync(dist, { recursive: true, force: true })
  const emitted = isForPages(manifest)
    ? []
    : ['--emitDeclarationOnly', '--sourceMap', 'false', '--inlineSources', 'false']
  const compiler = spawn('tsc', ['-p', join(folder, 'tsconfig.build.json'), ...emitted, ...noCheck], {
    stdio: ['ignore', 'inherit', 'inherit'],
    shell: process.platform === 'win32',
  })
  const [status] = (await once(compiler, 'exit')) as [number | null]
  await joinModules(each)
  for (const file of globSync('**/*.d.ts', { cwd: dist })) {
    const path = join(dist, file)
    writeFileSync(path, nameJavaScript(readFileSync(path, 'utf8')))
  }
  console.log(`${relative(root, folder)}: ${status === 0 ? 'built' : 'build failed'}`)
  return status === 0
}

const built = await Promise.all(packagesOf(root).map(build))
process.exitCode = built.every(Boolean) ? 0 : 1
