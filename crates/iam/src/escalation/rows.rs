//! Ways to escalate, as data: what each needs, what it is aimed at, what it gives.
//!
//! The union of public catalogues (pathfinding.cloud, PMapper, Cloudsplaining, Pacu and others); ids that begin with `x-`
//! are in some of them without a number.

use super::Rung;

/// One way.
///
/// ```
/// use bartizan_iam::ROWS;
/// let row = ROWS.iter().find(|row| row.id == "iam-007").unwrap();
/// assert_eq!(row.needs, ["iam:PutUserPolicy"]);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// Id in the catalogues.
    pub id: &'static str,
    /// Where it stands on the ladder.
    pub rung: Rung,
    /// What it is aimed at.
    pub target: Target,
    /// Actions that it needs, all of them. A pattern needs every action it means.
    pub needs: &'static [&'static str],
}

/// What a way is aimed at, and what it gives.
///
/// ```
/// use bartizan_iam::{ROWS, Target};
/// let row = ROWS.iter().find(|row| row.id == "lambda-001").unwrap();
/// assert!(matches!(row.target, Target::PassedRole(services) if services == ["lambda.amazonaws.com"]));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// The caller itself, user or role: gives it what it likes.
    Own,
    /// The same for users only.
    OwnUser,
    /// The same for roles only.
    OwnRole,
    /// A group that the caller is in: gives the group what it likes.
    OwnGroup,
    /// A managed policy that the caller has, and that is not of AWS: writes it anew.
    OwnPolicy,
    /// A policy of the caller of which another version grants more.
    OwnPolicyVersion,
    /// A group: gives what the group has.
    Group,
    /// The caller's permission boundary: gives what its policies grant without it.
    OwnBoundary,
    /// A user: gives what it has. With a condition on its console password, or on its access keys.
    User(UserWith),
    /// A user that is first given everything.
    GrantedUser,
    /// A role whose trust policy is rewritten: gives what it has.
    RetrustedRole,
    /// A role whose trust policy is rewritten and that is given everything.
    GrantedRetrustedRole,
    /// A role that trusts the caller: gives what it has.
    TrustingRole,
    /// A role that trusts the caller, given everything before.
    GrantedTrustingRole,
    /// A role that trusts the caller, freed of its boundary before.
    UnboundTrustingRole,
    /// A role that is made for it.
    NewRole,
    /// A role that trusts one of these services and may be passed to it: gives what it has.
    PassedRole(&'static [&'static str]),
    /// Something of this kind that runs with a role: gives what the role has.
    Holder(&'static str),
    /// Everything at once, where the service is in use, which a snapshot does not show.
    Service,
}

/// What a user must have, or not.
///
/// ```
/// use bartizan_iam::{ROWS, Target, UserWith};
/// // A user has room for two access keys.
/// assert!(ROWS.iter().any(|row| matches!(row.target, Target::User(UserWith::RoomForKey))));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserWith {
    /// Fewer than two access keys.
    RoomForKey,
    /// Anything.
    Anything,
    /// No console password.
    NoLogin,
    /// A console password.
    Login,
}

/// A kind of thing that runs with a role.
///
/// ```
/// use bartizan_iam::HOLDERS;
/// let function = HOLDERS.iter().find(|kind| kind.kind == "lambda").unwrap();
/// assert_eq!(function.service, "lambda.amazonaws.com");
/// ```
#[derive(Debug, Clone, Copy)]
pub struct HolderKind {
    /// Its word.
    pub kind: &'static str,
    /// The service that its role trusts.
    pub service: &'static str,
    /// What its ARN begins with behind the account, with the service in front: `ec2` and `instance/`.
    pub arn: (&'static str, &'static str),
}

const fn holder(
    kind: &'static str,
    service: &'static str,
    arn: (&'static str, &'static str),
) -> HolderKind {
    HolderKind { kind, service, arn }
}

/// Kinds of holders that rows know.
///
/// ```
/// use bartizan_iam::HOLDERS;
/// assert!(HOLDERS.iter().any(|kind| kind.kind == "codebuild") && HOLDERS.iter().any(|kind| kind.kind == "notebook"));
/// ```
#[rustfmt::skip]
pub const HOLDERS: &[HolderKind] = &[
    holder("agentcore-browser", "bedrock-agentcore.amazonaws.com", ("bedrock-agentcore", "browser")),
    holder("agentcore-runtime", "bedrock-agentcore.amazonaws.com", ("bedrock-agentcore", "runtime/")),
    holder("apprunner", "tasks.apprunner.amazonaws.com", ("apprunner", "service/")),
    holder("batch", "ecs-tasks.amazonaws.com", ("batch", "job-definition/")),
    holder("bedrock-interpreter", "bedrock-agentcore.amazonaws.com", ("bedrock-agentcore", "code-interpreter")),
    holder("cloudformation", "cloudformation.amazonaws.com", ("cloudformation", "stack/")),
    holder("codebuild", "codebuild.amazonaws.com", ("codebuild", "project/")),
    holder("codedeploy", "ec2.amazonaws.com", ("codedeploy", "deploymentgroup:")),
    holder("ec2", "ec2.amazonaws.com", ("ec2", "instance/")),
    holder("ecs", "ecs-tasks.amazonaws.com", ("ecs", "task/")),
    holder("glue-endpoint", "glue.amazonaws.com", ("glue", "devEndpoint/")),
    holder("lambda", "lambda.amazonaws.com", ("lambda", "function:")),
    holder("launch-template", "ec2.amazonaws.com", ("ec2", "launch-template/")),
    holder("notebook", "sagemaker.amazonaws.com", ("sagemaker", "notebook-instance/")),
    holder("states", "states.amazonaws.com", ("states", "stateMachine:")),
];

const fn row(id: &'static str, rung: Rung, target: Target, needs: &'static [&'static str]) -> Row {
    Row {
        id,
        rung,
        target,
        needs,
    }
}

use Rung::{C, D, E, F, G};
use Target::{
    GrantedRetrustedRole, GrantedTrustingRole, GrantedUser, Group, Holder, NewRole, Own,
    OwnBoundary, OwnGroup, OwnPolicy, OwnPolicyVersion, OwnRole, OwnUser, PassedRole,
    RetrustedRole, Service, TrustingRole, UnboundTrustingRole, User,
};

const EC2: Target = PassedRole(&["ec2.amazonaws.com"]);
const ECS: Target = PassedRole(&["ecs-tasks.amazonaws.com"]);
const GLUE: Target = PassedRole(&["glue.amazonaws.com"]);
const LAMBDA: Target = PassedRole(&["lambda.amazonaws.com"]);
const CLOUDFORMATION: Target = PassedRole(&["cloudformation.amazonaws.com"]);
const CODEBUILD: Target = PassedRole(&["codebuild.amazonaws.com"]);
const SAGEMAKER: Target = PassedRole(&["sagemaker.amazonaws.com"]);
const AGENTCORE: Target = PassedRole(&["bedrock-agentcore.amazonaws.com"]);
const DATAPIPELINE: Target = PassedRole(&[
    "datapipeline.amazonaws.com",
    "ec2.amazonaws.com",
    "elasticmapreduce.amazonaws.com",
]);
const STATES: Target = PassedRole(&["states.amazonaws.com"]);

/// All ways.
///
/// ```
/// use bartizan_iam::ROWS;
/// assert!(ROWS.len() >= 112);
/// assert!(ROWS.iter().all(|row| !row.needs.is_empty()));
/// ```
#[rustfmt::skip]
pub const ROWS: &[Row] = &[
    // What the caller may give itself.
    row("iam-001", C, OwnPolicy, &["iam:CreatePolicyVersion"]),
    row("iam-005", C, OwnRole, &["iam:PutRolePolicy"]),
    row("iam-007", C, OwnUser, &["iam:PutUserPolicy"]),
    row("iam-008", C, OwnUser, &["iam:AttachUserPolicy"]),
    row("iam-009", C, OwnRole, &["iam:AttachRolePolicy"]),
    row("iam-010", C, OwnGroup, &["iam:AttachGroupPolicy"]),
    row("iam-011", C, OwnGroup, &["iam:PutGroupPolicy"]),
    row("iam-013", C, Group, &["iam:AddUserToGroup"]),
    row("x-iamput", C, Own, &["iam:Put*"]),
    row("x-overpermissiveiam", C, Own, &["iam:*"]),
    row("x-setdefaultpolicyversion", C, OwnPolicyVersion, &["iam:SetDefaultPolicyVersion"]),
    row("x-sso-attachmanagedpolicytopermissionset", C, Service, &["sso:AttachManagedPolicyToPermissionSet"]),
    row("x-sso-putinlinepolicytopermissionset", C, Service, &["sso:PutInlinePolicyToPermissionSet"]),
    row("x-ssocreatepermissionset-createaccountassignment-attachmanagedpolicy", C, Service,
        &["sso:CreatePermissionSet", "sso:AttachManagedPolicyToPermissionSet", "sso:CreateAccountAssignment"]),
    row("x-codestar-associate-team-member", C, Service, &["codestar:CreateProject", "codestar:AssociateTeamMember"]),
    row("x-codestar-create-from-template", C, Service, &["codestar:CreateProjectFromTemplate"]),
    // Somebody else's credentials.
    row("iam-002", D, User(UserWith::RoomForKey), &["iam:CreateAccessKey"]),
    row("iam-003", D, User(UserWith::Anything), &["iam:CreateAccessKey", "iam:DeleteAccessKey"]),
    row("iam-004", D, User(UserWith::NoLogin), &["iam:CreateLoginProfile"]),
    row("iam-006", D, User(UserWith::Login), &["iam:UpdateLoginProfile"]),
    row("iam-012", D, RetrustedRole, &["iam:UpdateAssumeRolePolicy"]),
    row("iam-014", D, GrantedTrustingRole, &["iam:AttachRolePolicy", "sts:AssumeRole"]),
    row("iam-015", D, GrantedUser, &["iam:AttachUserPolicy", "iam:CreateAccessKey"]),
    row("iam-016", D, GrantedTrustingRole, &["iam:CreatePolicyVersion", "sts:AssumeRole"]),
    row("iam-017", D, GrantedTrustingRole, &["iam:PutRolePolicy", "sts:AssumeRole"]),
    row("iam-018", D, GrantedUser, &["iam:PutUserPolicy", "iam:CreateAccessKey"]),
    row("iam-019", D, GrantedRetrustedRole, &["iam:AttachRolePolicy", "iam:UpdateAssumeRolePolicy"]),
    row("iam-020", D, GrantedRetrustedRole, &["iam:CreatePolicyVersion", "iam:UpdateAssumeRolePolicy"]),
    row("iam-021", D, GrantedRetrustedRole, &["iam:PutRolePolicy", "iam:UpdateAssumeRolePolicy"]),
    row("x-iam-create-role-attach", D, NewRole, &["iam:CreateRole", "iam:AttachRolePolicy", "sts:AssumeRole"]),
    row("x-iam-create-role-put", D, NewRole, &["iam:CreateRole", "iam:PutRolePolicy", "sts:AssumeRole"]),
    row("x-assumerole-updateassumerolepolicy", D, RetrustedRole, &["iam:UpdateAssumeRolePolicy", "sts:AssumeRole"]),
    // A stronger role for new compute.
    row("apprunner-001", E, PassedRole(&["tasks.apprunner.amazonaws.com"]), &["iam:PassRole", "apprunner:CreateService"]),
    row("bedrock-001", E, AGENTCORE, &["iam:PassRole", "bedrock-agentcore:CreateCodeInterpreter",
        "bedrock-agentcore:StartCodeInterpreterSession", "bedrock-agentcore:InvokeCodeInterpreter"]),
    row("cloudformation-001", E, CLOUDFORMATION, &["iam:PassRole", "cloudformation:CreateStack"]),
    row("cloudformation-003", E, CLOUDFORMATION, &["iam:PassRole", "cloudformation:CreateStackSet", "cloudformation:CreateStackInstances"]),
    row("cloudformation-004", E, CLOUDFORMATION, &["iam:PassRole", "cloudformation:UpdateStackSet"]),
    row("codebuild-001", E, CODEBUILD, &["iam:PassRole", "codebuild:CreateProject", "codebuild:StartBuild"]),
    row("codebuild-004", E, CODEBUILD, &["iam:PassRole", "codebuild:CreateProject", "codebuild:StartBuildBatch"]),
    row("datapipeline-001", E, DATAPIPELINE, &["iam:PassRole", "datapipeline:CreatePipeline", "datapipeline:PutPipelineDefinition",
        "datapipeline:ActivatePipeline"]),
    row("x-datapipeline-create-put", E, DATAPIPELINE, &["iam:PassRole", "datapipeline:CreatePipeline", "datapipeline:PutPipelineDefinition"]),
    row("ec2-001", E, EC2, &["iam:PassRole", "ec2:RunInstances"]),
    row("ec2-003", E, EC2, &["iam:PassRole", "ec2:RequestSpotInstances"]),
    row("x-ec2-associate-instance-profile", E, EC2, &["iam:PassRole", "ec2:AssociateIamInstanceProfile"]),
    row("x-iam-createservicelinkedrole-autoscaling", E, EC2, &["iam:PassRole", "iam:CreateServiceLinkedRole",
        "autoscaling:CreateLaunchConfiguration", "autoscaling:CreateAutoScalingGroup"]),
    row("x-passrole-createautoscaling", E, EC2, &["iam:PassRole", "autoscaling:CreateLaunchConfiguration", "autoscaling:CreateAutoScalingGroup"]),
    row("x-passrole-updateautoscaling", E, EC2, &["iam:PassRole", "autoscaling:CreateLaunchConfiguration", "autoscaling:UpdateAutoScalingGroup"]),
    row("ecs-001", E, ECS, &["iam:PassRole", "ecs:CreateCluster", "ecs:RegisterTaskDefinition", "ecs:CreateService"]),
    row("ecs-002", E, ECS, &["iam:PassRole", "ecs:CreateCluster", "ecs:RegisterTaskDefinition", "ecs:RunTask"]),
    row("ecs-003", E, ECS, &["iam:PassRole", "ecs:RegisterTaskDefinition", "ecs:CreateService"]),
    row("ecs-004", E, ECS, &["iam:PassRole", "ecs:RegisterTaskDefinition", "ecs:RunTask"]),
    row("ecs-005", E, ECS, &["iam:PassRole", "ecs:RegisterTaskDefinition", "ecs:StartTask"]),
    row("x-passrole-ecs-runtask", E, ECS, &["iam:PassRole", "ecs:RunTask"]),
    row("x-passrole-ecs-starttask", E, ECS, &["iam:PassRole", "ecs:StartTask", "ecs:RegisterContainerInstance", "ecs:DeregisterContainerInstance"]),
    row("x-passrole-ecsstarttaskexistingcluster", E, ECS, &["iam:PassRole", "ecs:StartTask"]),
    row("x-passrole-batchregisterjobdef-submitjob", E, ECS, &["iam:PassRole", "batch:RegisterJobDefinition", "batch:SubmitJob"]),
    row("glue-001", E, GLUE, &["iam:PassRole", "glue:CreateDevEndpoint"]),
    row("glue-003", E, GLUE, &["iam:PassRole", "glue:CreateJob", "glue:StartJobRun"]),
    row("glue-004", E, GLUE, &["iam:PassRole", "glue:CreateJob", "glue:CreateTrigger"]),
    row("glue-005", E, GLUE, &["iam:PassRole", "glue:UpdateJob", "glue:StartJobRun"]),
    row("glue-006", E, GLUE, &["iam:PassRole", "glue:UpdateJob", "glue:CreateTrigger"]),
    row("x-passrole-gluecreatesession-runstatement", E, GLUE, &["iam:PassRole", "glue:CreateSession", "glue:RunStatement"]),
    row("lambda-001", E, LAMBDA, &["iam:PassRole", "lambda:CreateFunction", "lambda:InvokeFunction"]),
    row("lambda-002", E, LAMBDA, &["iam:PassRole", "lambda:CreateFunction", "lambda:CreateEventSourceMapping"]),
    row("lambda-006", E, LAMBDA, &["iam:PassRole", "lambda:CreateFunction", "lambda:AddPermission"]),
    row("x-passrole-createlambda-newdynamo", E, LAMBDA, &["iam:PassRole", "lambda:CreateFunction", "lambda:CreateEventSourceMapping",
        "dynamodb:CreateTable", "dynamodb:PutItem"]),
    row("sagemaker-001", E, SAGEMAKER, &["iam:PassRole", "sagemaker:CreateNotebookInstance"]),
    row("sagemaker-002", E, SAGEMAKER, &["iam:PassRole", "sagemaker:CreateTrainingJob"]),
    row("sagemaker-003", E, SAGEMAKER, &["iam:PassRole", "sagemaker:CreateProcessingJob"]),
    row("x-passrole-agentcorecreatebrowser-connectbrowser", E, AGENTCORE, &["iam:PassRole", "bedrock-agentcore:CreateBrowser",
        "bedrock-agentcore:StartBrowserSession", "bedrock-agentcore:ConnectBrowserAutomationStream"]),
    row("x-passrole-agentcorecreateharness-invokeruntimecommand", E, AGENTCORE, &["iam:PassRole", "bedrock-agentcore:CreateHarness",
        "bedrock-agentcore:CreateAgentRuntime", "bedrock-agentcore:CreateAgentRuntimeEndpoint", "bedrock-agentcore:CreateWorkloadIdentity",
        "bedrock-agentcore:GetAgentRuntime", "bedrock-agentcore:InvokeAgentRuntimeCommand"]),
    row("x-passrole-agentcorecreateruntime-invokeruntimecommand", E, AGENTCORE, &["iam:PassRole", "bedrock-agentcore:CreateAgentRuntime",
        "bedrock-agentcore:CreateAgentRuntimeEndpoint", "bedrock-agentcore:CreateWorkloadIdentity", "bedrock-agentcore:InvokeAgentRuntimeCommand"]),
    row("x-passrole-braketcreatejob", E, PassedRole(&["braket.amazonaws.com"]), &["iam:PassRole", "braket:CreateJob"]),
    row("x-passrole-codestar", E, PassedRole(&["codestar.amazonaws.com"]), &["iam:PassRole", "codestar:CreateProject"]),
    row("x-passrole-cognitosetidentitypoolroles", E, PassedRole(&["cognito-identity.amazonaws.com"]),
        &["iam:PassRole", "cognito-identity:SetIdentityPoolRoles"]),
    row("x-passrole-emrrunjobflow", E, PassedRole(&["elasticmapreduce.amazonaws.com", "ec2.amazonaws.com"]),
        &["iam:PassRole", "elasticmapreduce:RunJobFlow"]),
    row("x-passrole-emrserverlesscreateapp-startjobrun", E, PassedRole(&["emr-serverless.amazonaws.com"]),
        &["iam:PassRole", "emr-serverless:CreateApplication", "emr-serverless:StartJobRun"]),
    row("x-passrole-gameliftcreatebuild-createfleet", E, PassedRole(&["gamelift.amazonaws.com"]),
        &["iam:PassRole", "gamelift:RequestUploadCredentials", "gamelift:CreateBuild", "gamelift:CreateFleet"]),
    row("x-passrole-imagebuildercreatecomponent-createimage", E, EC2, &["iam:PassRole", "imagebuilder:CreateComponent",
        "imagebuilder:CreateImageRecipe", "imagebuilder:CreateInfrastructureConfiguration", "imagebuilder:CreateImage"]),
    row("x-passrole-kinesisanalyticscreateapp-startapp", E, PassedRole(&["kinesisanalytics.amazonaws.com"]),
        &["iam:PassRole", "kinesisanalytics:CreateApplication", "kinesisanalytics:StartApplication"]),
    row("x-passrole-omicscreateworkflow-startrun", E, PassedRole(&["omics.amazonaws.com"]),
        &["iam:PassRole", "omics:CreateWorkflow", "omics:StartRun", "s3:GetObject"]),
    row("x-passrole-schedulercreateschedule", E, PassedRole(&["scheduler.amazonaws.com"]), &["iam:PassRole", "scheduler:CreateSchedule"]),
    row("x-passrole-ssmcreatedocument-startautomation", E, PassedRole(&["ssm.amazonaws.com"]),
        &["iam:PassRole", "ssm:CreateDocument", "ssm:StartAutomationExecution"]),
    row("x-passrole-stepfunctionscreatestatemachine-startexecution", E, STATES,
        &["iam:PassRole", "states:CreateStateMachine", "states:StartExecution"]),
    // The role of compute that is there.
    row("apprunner-002", E, Holder("apprunner"), &["apprunner:UpdateService"]),
    row("bedrock-002", E, Holder("bedrock-interpreter"), &["bedrock-agentcore:StartCodeInterpreterSession", "bedrock-agentcore:InvokeCodeInterpreter"]),
    row("cloudformation-002", E, Holder("cloudformation"), &["cloudformation:UpdateStack"]),
    row("cloudformation-005", E, Holder("cloudformation"), &["cloudformation:CreateChangeSet", "cloudformation:ExecuteChangeSet"]),
    row("codebuild-002", E, Holder("codebuild"), &["codebuild:StartBuild"]),
    row("codebuild-003", E, Holder("codebuild"), &["codebuild:StartBuildBatch"]),
    row("x-codebuild-update-project", E, Holder("codebuild"), &["codebuild:UpdateProject", "codebuild:StartBuild"]),
    row("ec2-002", E, Holder("ec2"), &["ec2:ModifyInstanceAttribute", "ec2:StopInstances", "ec2:StartInstances"]),
    row("ec2-004", E, Holder("launch-template"), &["ec2:CreateLaunchTemplateVersion", "ec2:ModifyLaunchTemplate"]),
    row("ec2instanceconnect-003", E, Holder("ec2"), &["ec2-instance-connect:SendSSHPublicKey", "ec2:DescribeInstances"]),
    row("ssm-001", E, Holder("ec2"), &["ssm:StartSession"]),
    row("ssm-002", E, Holder("ec2"), &["ssm:SendCommand"]),
    row("glue-002", E, Holder("glue-endpoint"), &["glue:UpdateDevEndpoint"]),
    row("lambda-003", E, Holder("lambda"), &["lambda:UpdateFunctionCode"]),
    row("lambda-004", E, Holder("lambda"), &["lambda:UpdateFunctionCode", "lambda:InvokeFunction"]),
    row("lambda-005", E, Holder("lambda"), &["lambda:UpdateFunctionCode", "lambda:AddPermission"]),
    row("x-lambda-updatefunctionconfiguration", E, Holder("lambda"), &["lambda:UpdateFunctionConfiguration"]),
    row("sagemaker-004", E, Holder("notebook"), &["sagemaker:CreatePresignedNotebookInstanceUrl"]),
    row("sagemaker-005", E, Holder("notebook"), &["sagemaker:CreateNotebookInstanceLifecycleConfig", "sagemaker:StopNotebookInstance",
        "sagemaker:UpdateNotebookInstance", "sagemaker:StartNotebookInstance"]),
    row("x-agentcorebrowsersessionconnect", E, Holder("agentcore-browser"), &["bedrock-agentcore:StartBrowserSession",
        "bedrock-agentcore:ConnectBrowserAutomationStream"]),
    row("x-agentcoreinvokeruntimecommand", E, Holder("agentcore-runtime"), &["bedrock-agentcore:InvokeAgentRuntimeCommand"]),
    row("x-batchsubmitjob", E, Holder("batch"), &["batch:SubmitJob"]),
    row("x-codedeploycreatedeployment", E, Holder("codedeploy"), &["codedeploy:CreateDeployment", "codedeploy:GetDeploymentConfig",
        "codedeploy:RegisterApplicationRevision"]),
    row("x-ecs-executecommand", E, Holder("ecs"), &["ecs:ExecuteCommand", "ecs:DescribeTasks"]),
    row("x-stepfunctionsupdatestatemachine-startexecution", E, Holder("states"), &["states:UpdateStateMachine", "states:StartExecution"]),
    // From role to role.
    row("sts-001", F, TrustingRole, &["sts:AssumeRole"]),
    // Away with the guard rail.
    row("x-iam-deleteuserpermissionsboundary", G, OwnBoundary, &["iam:DeleteUserPermissionsBoundary"]),
    row("x-assumerole-deleterolepermissionsboundary", G, UnboundTrustingRole, &["iam:DeleteRolePermissionsBoundary", "sts:AssumeRole"]),
];
