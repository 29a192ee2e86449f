import { verb } from '../frame/verb.ts'
import { apis } from '../guest-apis.ts'
import { input } from '../import/input.ts'

export const guestImport = verb({
  example: 'guestpass guest import people.csv --api engagements --channel 3f2b8c1e-7a54-4d09-9c1f-5b6e2a7d8f90',
  options: [
    ['--api <name>', `the API that issues: ${apis.join(', ')}`],
    ['--duration <name|seconds>', 'guest-tokens: for rows that do not say'],
    ['--scope <scope...>', 'guest-tokens: for rows that do not say'],
    ['--channel <id>', 'engagements: for rows that do not say'],
    ['--assurance <word>', 'claimed (default) or verified, for rows that do not say'],
    [
      '--create-again',
      'external-users: make another guest where the answer to a create was lost and one may exist already',
    ],
  ],
  settings: ['patienceSeconds'],
  input,
  async run(typed, cli) {
    // Loaded here, so that no other verb starts later because of it.
    const { runImport } = await import('../import/run.ts')
    return runImport(typed, cli)
  },
})
