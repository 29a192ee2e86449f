import type { Answer, Call, Endpoint } from '../endpoint.ts'
import { staleFormPage } from './authorize.ts'
import { consentPage, readDecision } from './consent-page.ts'
import type { DeviceCodes } from './device-codes.ts'
import { html, page } from './page.ts'
import type { FormTokens } from './form-tokens.ts'
import type { Users } from './users.ts'

interface DevicePageParts {
  readonly codes: DeviceCodes
  readonly users: Users
  /** Form tokens for user codes. */
  readonly formTokens: FormTokens<string>
}

const paths = ['/device']

/** `GET /device` asks for the code of the device, then for the user. `POST /device` takes the decision. */
export function devicePageEndpoints({ codes, users, formTokens }: DevicePageParts): readonly Endpoint[] {
  const asked = (userCode: string, headers: Call['headers']): Answer => {
    const code = codes.waiting(userCode)
    if (code === undefined) return entry('No device that waits shows this code. Compare it letter by letter.')
    const formToken = formTokens.issue(code.userCode, headers)
    const remark = html`<p>Go on only if the device in front of you shows <strong>${code.userCode}</strong>.</p>`
    return consentPage({ ...code, users: users.all, formToken, action: '/device', remark })
  }
  const show: Endpoint = {
    operation: 'device',
    method: 'GET',
    paths,
    dialect: 'page',
    answer: ({ query, headers }) => {
      const userCode = query.get('user_code')
      return userCode ? asked(userCode, headers) : entry()
    },
  }
  const decide: Endpoint = {
    operation: 'device',
    method: 'POST',
    paths,
    dialect: 'page',
    answer: ({ body, headers }) => {
      const { formToken, allowed, user } = readDecision(body)
      const userCode = formTokens.redeem(formToken, headers)
      if (userCode === undefined || codes.waiting(userCode) === undefined) return staleFormPage()
      codes.decide(userCode, allowed ? (users.find(user) ?? users.first) : undefined)
      return done(allowed)
    },
  }
  return [show, decide]
}

function entry(problem?: string): Answer {
  return page({
    status: problem === undefined ? 200 : 400,
    title: 'Connect a device',
    main: html`<form method="get" action="/device">
${problem === undefined ? undefined : html`<p role="alert" id="problem">${problem}</p>\n`}<label class="legend" for="code">Code that the device shows</label>
<input type="text" id="code" name="user_code" required maxlength="20" autocomplete="off" spellcheck="false"${described(problem)}>
<div class="actions"><button class="primary">Go on</button></div>
</form>`,
  })
}

const described = (problem: string | undefined) =>
  problem === undefined ? undefined : html` aria-describedby="problem" aria-invalid="true"`

function done(allowed: boolean): Answer {
  const what = allowed ? 'The device is signed in.' : 'The device was refused.'
  return page({ title: what, main: html`<p>You can close this page and go back to the device.</p>` })
}
