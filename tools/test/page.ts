import { execFile } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { compileCache } from '../../packages/cli/test/spawn-cli.ts'

const root = join(import.meta.dirname, '../..')

/** The text of a page. `path`: from the root of the checkout. */
export const pageOf = (path: string): string => readFileSync(join(root, path), 'utf8')

/** A block of code, and the title of the section that it is in. */
interface Piece {
  readonly title: string
  readonly code: string
}

/** The blocks of code of a page, in their order. `language`: the word after their three back-ticks. */
export function piecesOf(page: string, language: string): readonly Piece[] {
  const block = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm')
  return page
    .split(/^## /m)
    .flatMap((section) =>
      [...section.matchAll(block)].map(([, code = '']) => ({ title: section.split('\n')[0] ?? '', code })),
    )
}

/** A path at which a program finds the packages of the checkout, and that no other process uses. `name`: with its ending. */
export const programPath = (name: string): string =>
  join(root, 'examples', `.${process.pid}-${name.replace(/[^\w.]+/g, '-')}`)

/** What a program prints. Rejects where it fails. */
export async function printed(
  name: string,
  code: string,
  options: { readonly env: NodeJS.ProcessEnv; readonly cwd?: string },
): Promise<{ readonly stdout: string; readonly stderr: string }> {
  const file = programPath(`${name}.ts`)
  writeFileSync(file, code)
  try {
    return await promisify(execFile)(process.execPath, [file], { ...options, env: { ...compileCache, ...options.env } })
  } finally {
    rmSync(file)
  }
}
