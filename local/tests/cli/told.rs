//! What `klocal up` tells of a template.

use crate::run::{BOOTSTRAP, Run};

#[test]
fn up_lists_once_what_means_something_else_here() {
    let template = "\
Resources:
  Worker:
    Type: AWS::Serverless::Function
    Properties:
      Policies: []
      Tracing: Active
      Events:
        Records:
          Type: Kinesis
          Properties: {Stream: 'arn:aws:kinesis:us-east-1:123456789012:stream/orders', StartingPosition: LATEST}
  Other:
    Type: AWS::Serverless::Function
    Properties: {Policies: []}
";
    let said = Run::up(&[BOOTSTRAP])
        .file("template.yaml", template)
        .until_served();
    let expected = "\
  With another meaning here:
    Policies: permissions are not checked
    Tracing: traces, log levels and metrics are not kept
    stream orders: the template does not create the stream: one with one shard is created here
";
    assert!(said.contains(expected), "{said}");
}
