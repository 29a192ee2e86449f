import type { Cell } from '../cell.ts'
import { ended } from '../program.ts'
import { tool } from '../tools.ts'

const checked = async (...args: readonly string[]): Promise<string | undefined> => {
  const { status, stdout, stderr } = await ended(process.execPath, args, { cwd: import.meta.dirname })
  return status === 0 ? undefined : stdout + stderr
}

/** publint and are-the-types-wrong over a tarball. CommonJS programs load the packages by `require(esm)`, hence `esm-only`. */
export const linterCells = (name: string, tarball: string, hasEntries: boolean): readonly Cell[] => [
  { name: `publint --strict of ${name}`, run: () => checked(tool('publint/src/cli.js'), 'run', tarball, '--strict') },
  ...(hasEntries
    ? [
        {
          name: `attw --profile esm-only of ${name}`,
          run: () =>
            checked(tool('@arethetypeswrong/cli/dist/index.js'), tarball, '--profile', 'esm-only', '--no-color'),
        },
      ]
    : []),
]
