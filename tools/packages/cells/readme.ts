import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Cell } from '../cell.ts'
import { ended, failure } from '../program.ts'
import type { Project } from '../project.ts'
import { runningSandbox } from './command.ts'

const programsOf = (markdown: string): readonly string[] =>
  [...markdown.matchAll(/^```js\n([\s\S]*?)^```/gm)].map(([, code]) => code ?? '')

async function programRuns({ folder, node, env }: Project, program: string): Promise<string | undefined> {
  const cwd = mkdtempSync(join(folder, 'readme-'))
  writeFileSync(join(cwd, 'program.mjs'), program)
  const end = await ended(node.program, ['program.mjs'], { cwd, env })
  const isRight = failure(end) === undefined && /\S/.test(end.stdout) && !/refused|undefined|false/.test(end.stdout)
  return isRight ? undefined : `exit status ${end.status}\n${end.stdout}${end.stderr}\n${program}`
}

async function programsRun(project: Project, packages: readonly string[]): Promise<string | undefined> {
  const texts = packages.map((name) => readFileSync(join(project.folder, 'node_modules', name, 'README.md'), 'utf8'))
  const sandbox = await runningSandbox(project)
  try {
    for (const program of texts.flatMap(programsOf)) {
      const fault = await programRuns({ ...project, env: { ...project.env, ...sandbox.env } }, program)
      if (fault) return fault
    }
    return undefined
  } finally {
    await sandbox.stop()
  }
}

/** The programs in the READMEs of the packages, beside a running sandbox. */
export const readmeCell = (project: Project, packages: readonly string[]): Cell => ({
  name: `Node ${project.node.version}: the programs in the READMEs of the packages`,
  run: () => programsRun(project, packages),
})
