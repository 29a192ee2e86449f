import { defineCommand } from './runner/command.ts'
import { guestApiOption } from '../guest-apis.ts'
import { importOptions, importSchema } from '../import/import-options.ts'
import { describedOption, type RequestOption } from '../request-options.ts'

const noteOf = ({ field }: RequestOption): string => (field.inImport === 'all' ? '' : 'for rows that do not say: ')

export const guestImportCommand = defineCommand({
  example: 'guestpass guest import people.csv --api engagements --channel 3f2b8c1e-7a54-4d09-9c1f-5b6e2a7d8f90',
  options: [guestApiOption, ...importOptions.map((option) => describedOption(option, noteOf(option)))],
  settings: ['patienceSeconds'],
  input: importSchema,
  async run(typed, cli) {
    // Loaded here, so that no other command starts later because of it.
    const { runImport } = await import('../import/run-import.ts')
    return runImport(typed, cli)
  },
})
