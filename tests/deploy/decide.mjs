// SPDX-License-Identifier: Apache-2.0
// A policy's answers to requests, as the API server comes to them: [policy, [request, oldObject, object]...] on
// standard input, for each "not matched", or the messages of the validations that are not true.
import { readFileSync } from 'node:fs'
import { evaluate } from '@marcbachmann/cel-js'

const [policy, ...asked] = JSON.parse(readFileSync(0))

function decide([request, oldObject, object]) {
	const context = { request, oldObject, object, variables: {} }

	if (!policy.spec.matchConditions.every((c) => evaluate(c.expression, context)))
		return 'not matched'
	for (const { name, expression } of policy.spec.variables)
		context.variables[name] = evaluate(expression, context)
	return policy.spec.validations
		.filter(({ expression }) => {
			try {
				return evaluate(expression, context) !== true
			} catch {
				return true // failurePolicy: Fail
			}
		})
		.map(({ message }) => message)
}

console.log(JSON.stringify(asked.map(decide)))
