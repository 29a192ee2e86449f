import * as z from 'zod'
import { oneOf } from '@guestpass/runtime'
import { completedPlaces, type CompletionParts } from '../completion/completion-model.ts'
import { completionScript, shells } from '../completion/shell-scripts.ts'
import { type CommandDefinition, defineCommand } from './runner/command.ts'

/** The command for these commands, of which it is one. */
export const completionCommand = (listed: CompletionParts): CommandDefinition =>
  defineCommand({
    example: 'source <(guestpass completion bash)',
    input: z.object({ shell: oneOf(...shells) }),
    async run({ shell }, cli) {
      const script = completionScript(shell, await completedPlaces(listed))
      cli.answer({ shell, script: `${script.join('\n')}\n` }, () => script)
    },
  })
