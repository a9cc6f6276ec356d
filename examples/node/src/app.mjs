// Adds each purchase to its customer's total. The first record that fails ends the batch:
// Lambda retries from there, so no purchase before it is counted twice.

import { DynamoDBClient, UpdateItemCommand } from "@aws-sdk/client-dynamodb";

const dynamodb = new DynamoDBClient();

async function add(data) {
  const { customer, amount } = JSON.parse(Buffer.from(data, "base64").toString());
  if (typeof customer !== "string" || typeof amount !== "number") {
    throw new TypeError("a purchase has a customer and an amount");
  }
  await dynamodb.send(
    new UpdateItemCommand({
      TableName: process.env.TOTALS_TABLE,
      Key: { customer: { S: customer } },
      UpdateExpression: "ADD spent :amount",
      ExpressionAttributeValues: { ":amount": { N: String(amount) } },
    }),
  );
}

export const handler = async (event) => {
  for (const { kinesis } of event.Records) {
    try {
      await add(kinesis.data);
    } catch (error) {
      console.error("record failed", kinesis.sequenceNumber, String(error));
      return { batchItemFailures: [{ itemIdentifier: kinesis.sequenceNumber }] };
    }
  }
  return { batchItemFailures: [] };
};
