import { execFile } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { programPath } from './page.ts'

const root = join(import.meta.dirname, '../..')

/**
 * Checks programs by the compiler of the repository, all at once. `files`: each by its name without an ending. Returns
 * what the compiler prints, one line for each fault, such as `name.ts(2,7): error TS2322: …`.
 */
export async function typeFaults(files: ReadonlyMap<string, string>): Promise<string> {
  const folder = programPath(`types-${files.size}`)
  mkdirSync(folder)
  try {
    for (const [name, code] of files) writeFileSync(join(folder, `${name.replaceAll(/\W+/g, '-')}.ts`), code)
    const compilerOptions = { rootDir: '../..', noUnusedLocals: false }
    const config = { extends: '../../tsconfig.json', include: ['*.ts'], compilerOptions }
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
    const tsc = join(root, 'node_modules/.bin/tsc')
    const faults = await promisify(execFile)(tsc, ['-p', folder]).then(
      () => '',
      (failed: { stdout: string }) => failed.stdout,
    )
    return faults.replaceAll(/^examples\/\.[\w-]+\//gm, '').trim()
  } finally {
    rmSync(folder, { recursive: true })
  }
}
