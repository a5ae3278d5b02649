//! Escalation techniques as data: the actions that each needs, its target, its gain.
//!
//! The union of public catalogues (pathfinding.cloud, PMapper, Cloudsplaining, Pacu and others);
//! ids that begin with `x-` are in some of them without a number.

use super::model::Rung;

/// Escalation technique.
///
/// ```
/// use bartizan_iam::TECHNIQUES;
/// let row = TECHNIQUES.iter().find(|row| row.id == "iam-007").unwrap();
/// assert_eq!(row.needs, ["iam:PutUserPolicy"]);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Technique {
    /// Id in the catalogues.
    pub id: &'static str,
    /// Rung of the ladder.
    pub rung: Rung,
    /// Target of the technique.
    pub target: TechniqueTarget,
    /// Actions that it needs, all of them. A pattern needs every action it means.
    pub needs: &'static [&'static str],
}

/// Target of a technique, and its gain.
///
/// ```
/// use bartizan_iam::{TECHNIQUES, TechniqueTarget};
/// let row = TECHNIQUES
///     .iter()
///     .find(|row| row.id == "lambda-001")
///     .unwrap();
/// assert!(
///     matches!(row.target, TechniqueTarget::PassedRole(services) if services == ["lambda.amazonaws.com"])
/// );
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TechniqueTarget {
    /// The caller itself, user or role: gives it what it likes.
    Own,
    /// The caller itself, if it is a user.
    OwnUser,
    /// The caller itself, if it is a role.
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
    RoleConsumer(&'static str),
    /// Everything at once, where the service is in use, which a snapshot does not show.
    Service,
}

/// Credentials that a user must have, or not.
///
/// ```
/// use bartizan_iam::{TECHNIQUES, TechniqueTarget, UserWith};
/// // A user has room for two access keys.
/// assert!(
///     TECHNIQUES
///         .iter()
///         .any(|row| matches!(row.target, TechniqueTarget::User(UserWith::RoomForKey)))
/// );
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

/// Kind of role consumer.
///
/// ```
/// use bartizan_iam::ROLE_CONSUMERS;
/// let function = ROLE_CONSUMERS.iter().find(|kind| kind.kind == "lambda").unwrap();
/// assert_eq!(function.service, "lambda.amazonaws.com");
/// ```
#[derive(Debug, Clone, Copy)]
pub struct RoleConsumerKind {
    /// Its word.
    pub kind: &'static str,
    /// The service that its role trusts.
    pub service: &'static str,
    /// Service of its ARN, and beginning of the ARN's last part: `ec2` and `instance/`.
    pub arn: (&'static str, &'static str),
}

const fn consumer(
    kind: &'static str,
    service: &'static str,
    arn: (&'static str, &'static str),
) -> RoleConsumerKind {
    RoleConsumerKind { kind, service, arn }
}

/// Kinds of role consumers that techniques are aimed at.
///
/// ```
/// use bartizan_iam::ROLE_CONSUMERS;
/// assert!(
///     ROLE_CONSUMERS.iter().any(|kind| kind.kind == "codebuild")
///         && ROLE_CONSUMERS.iter().any(|kind| kind.kind == "notebook")
/// );
/// ```
pub const ROLE_CONSUMERS: &[RoleConsumerKind] = &[
    consumer(
        "agentcore-browser",
        "bedrock-agentcore.amazonaws.com",
        ("bedrock-agentcore", "browser"),
    ),
    consumer(
        "agentcore-runtime",
        "bedrock-agentcore.amazonaws.com",
        ("bedrock-agentcore", "runtime/"),
    ),
    consumer(
        "apprunner",
        "tasks.apprunner.amazonaws.com",
        ("apprunner", "service/"),
    ),
    consumer(
        "batch",
        "ecs-tasks.amazonaws.com",
        ("batch", "job-definition/"),
    ),
    consumer(
        "bedrock-interpreter",
        "bedrock-agentcore.amazonaws.com",
        ("bedrock-agentcore", "code-interpreter"),
    ),
    consumer(
        "cloudformation",
        "cloudformation.amazonaws.com",
        ("cloudformation", "stack/"),
    ),
    consumer(
        "codebuild",
        "codebuild.amazonaws.com",
        ("codebuild", "project/"),
    ),
    consumer(
        "codedeploy",
        "ec2.amazonaws.com",
        ("codedeploy", "deploymentgroup:"),
    ),
    consumer("ec2", "ec2.amazonaws.com", ("ec2", "instance/")),
    consumer("ecs", "ecs-tasks.amazonaws.com", ("ecs", "task/")),
    consumer(
        "glue-endpoint",
        "glue.amazonaws.com",
        ("glue", "devEndpoint/"),
    ),
    consumer("lambda", "lambda.amazonaws.com", ("lambda", "function:")),
    consumer(
        "launch-template",
        "ec2.amazonaws.com",
        ("ec2", "launch-template/"),
    ),
    consumer(
        "notebook",
        "sagemaker.amazonaws.com",
        ("sagemaker", "notebook-instance/"),
    ),
    consumer(
        "states",
        "states.amazonaws.com",
        ("states", "stateMachine:"),
    ),
];

const fn technique(
    id: &'static str,
    rung: Rung,
    target: TechniqueTarget,
    needs: &'static [&'static str],
) -> Technique {
    Technique {
        id,
        rung,
        target,
        needs,
    }
}

use Rung::{C, D, E, F, G};
use TechniqueTarget::{
    GrantedRetrustedRole, GrantedTrustingRole, GrantedUser, Group, NewRole, Own, OwnBoundary,
    OwnGroup, OwnPolicy, OwnPolicyVersion, OwnRole, OwnUser, PassedRole, RetrustedRole,
    RoleConsumer, Service, TrustingRole, UnboundTrustingRole, User,
};

const EC2: TechniqueTarget = PassedRole(&["ec2.amazonaws.com"]);
const ECS: TechniqueTarget = PassedRole(&["ecs-tasks.amazonaws.com"]);
const GLUE: TechniqueTarget = PassedRole(&["glue.amazonaws.com"]);
const LAMBDA: TechniqueTarget = PassedRole(&["lambda.amazonaws.com"]);
const CLOUDFORMATION: TechniqueTarget = PassedRole(&["cloudformation.amazonaws.com"]);
const CODEBUILD: TechniqueTarget = PassedRole(&["codebuild.amazonaws.com"]);
const SAGEMAKER: TechniqueTarget = PassedRole(&["sagemaker.amazonaws.com"]);
const AGENTCORE: TechniqueTarget = PassedRole(&["bedrock-agentcore.amazonaws.com"]);
const DATAPIPELINE: TechniqueTarget = PassedRole(&[
    "datapipeline.amazonaws.com",
    "ec2.amazonaws.com",
    "elasticmapreduce.amazonaws.com",
]);
const STATES: TechniqueTarget = PassedRole(&["states.amazonaws.com"]);

/// All techniques.
///
/// ```
/// use bartizan_iam::TECHNIQUES;
/// assert!(TECHNIQUES.len() >= 112);
/// assert!(TECHNIQUES.iter().all(|row| !row.needs.is_empty()));
/// ```
pub const TECHNIQUES: &[Technique] = &[
    // Grants to the caller itself.
    technique("iam-001", C, OwnPolicy, &["iam:CreatePolicyVersion"]),
    technique("iam-005", C, OwnRole, &["iam:PutRolePolicy"]),
    technique("iam-007", C, OwnUser, &["iam:PutUserPolicy"]),
    technique("iam-008", C, OwnUser, &["iam:AttachUserPolicy"]),
    technique("iam-009", C, OwnRole, &["iam:AttachRolePolicy"]),
    technique("iam-010", C, OwnGroup, &["iam:AttachGroupPolicy"]),
    technique("iam-011", C, OwnGroup, &["iam:PutGroupPolicy"]),
    technique("iam-013", C, Group, &["iam:AddUserToGroup"]),
    technique("x-iamput", C, Own, &["iam:Put*"]),
    technique("x-overpermissiveiam", C, Own, &["iam:*"]),
    technique(
        "x-setdefaultpolicyversion",
        C,
        OwnPolicyVersion,
        &["iam:SetDefaultPolicyVersion"],
    ),
    technique(
        "x-sso-attachmanagedpolicytopermissionset",
        C,
        Service,
        &["sso:AttachManagedPolicyToPermissionSet"],
    ),
    technique(
        "x-sso-putinlinepolicytopermissionset",
        C,
        Service,
        &["sso:PutInlinePolicyToPermissionSet"],
    ),
    technique(
        "x-ssocreatepermissionset-createaccountassignment-attachmanagedpolicy",
        C,
        Service,
        &[
            "sso:CreatePermissionSet",
            "sso:AttachManagedPolicyToPermissionSet",
            "sso:CreateAccountAssignment",
        ],
    ),
    technique(
        "x-codestar-associate-team-member",
        C,
        Service,
        &["codestar:CreateProject", "codestar:AssociateTeamMember"],
    ),
    technique(
        "x-codestar-create-from-template",
        C,
        Service,
        &["codestar:CreateProjectFromTemplate"],
    ),
    // Somebody else's credentials.
    technique(
        "iam-002",
        D,
        User(UserWith::RoomForKey),
        &["iam:CreateAccessKey"],
    ),
    technique(
        "iam-003",
        D,
        User(UserWith::Anything),
        &["iam:CreateAccessKey", "iam:DeleteAccessKey"],
    ),
    technique(
        "iam-004",
        D,
        User(UserWith::NoLogin),
        &["iam:CreateLoginProfile"],
    ),
    technique(
        "iam-006",
        D,
        User(UserWith::Login),
        &["iam:UpdateLoginProfile"],
    ),
    technique("iam-012", D, RetrustedRole, &["iam:UpdateAssumeRolePolicy"]),
    technique(
        "iam-014",
        D,
        GrantedTrustingRole,
        &["iam:AttachRolePolicy", "sts:AssumeRole"],
    ),
    technique(
        "iam-015",
        D,
        GrantedUser,
        &["iam:AttachUserPolicy", "iam:CreateAccessKey"],
    ),
    technique(
        "iam-016",
        D,
        GrantedTrustingRole,
        &["iam:CreatePolicyVersion", "sts:AssumeRole"],
    ),
    technique(
        "iam-017",
        D,
        GrantedTrustingRole,
        &["iam:PutRolePolicy", "sts:AssumeRole"],
    ),
    technique(
        "iam-018",
        D,
        GrantedUser,
        &["iam:PutUserPolicy", "iam:CreateAccessKey"],
    ),
    technique(
        "iam-019",
        D,
        GrantedRetrustedRole,
        &["iam:AttachRolePolicy", "iam:UpdateAssumeRolePolicy"],
    ),
    technique(
        "iam-020",
        D,
        GrantedRetrustedRole,
        &["iam:CreatePolicyVersion", "iam:UpdateAssumeRolePolicy"],
    ),
    technique(
        "iam-021",
        D,
        GrantedRetrustedRole,
        &["iam:PutRolePolicy", "iam:UpdateAssumeRolePolicy"],
    ),
    technique(
        "x-iam-create-role-attach",
        D,
        NewRole,
        &["iam:CreateRole", "iam:AttachRolePolicy", "sts:AssumeRole"],
    ),
    technique(
        "x-iam-create-role-put",
        D,
        NewRole,
        &["iam:CreateRole", "iam:PutRolePolicy", "sts:AssumeRole"],
    ),
    technique(
        "x-assumerole-updateassumerolepolicy",
        D,
        RetrustedRole,
        &["iam:UpdateAssumeRolePolicy", "sts:AssumeRole"],
    ),
    // A stronger role for new compute.
    technique(
        "apprunner-001",
        E,
        PassedRole(&["tasks.apprunner.amazonaws.com"]),
        &["iam:PassRole", "apprunner:CreateService"],
    ),
    technique(
        "bedrock-001",
        E,
        AGENTCORE,
        &[
            "iam:PassRole",
            "bedrock-agentcore:CreateCodeInterpreter",
            "bedrock-agentcore:StartCodeInterpreterSession",
            "bedrock-agentcore:InvokeCodeInterpreter",
        ],
    ),
    technique(
        "cloudformation-001",
        E,
        CLOUDFORMATION,
        &["iam:PassRole", "cloudformation:CreateStack"],
    ),
    technique(
        "cloudformation-003",
        E,
        CLOUDFORMATION,
        &[
            "iam:PassRole",
            "cloudformation:CreateStackSet",
            "cloudformation:CreateStackInstances",
        ],
    ),
    technique(
        "cloudformation-004",
        E,
        CLOUDFORMATION,
        &["iam:PassRole", "cloudformation:UpdateStackSet"],
    ),
    technique(
        "codebuild-001",
        E,
        CODEBUILD,
        &[
            "iam:PassRole",
            "codebuild:CreateProject",
            "codebuild:StartBuild",
        ],
    ),
    technique(
        "codebuild-004",
        E,
        CODEBUILD,
        &[
            "iam:PassRole",
            "codebuild:CreateProject",
            "codebuild:StartBuildBatch",
        ],
    ),
    technique(
        "datapipeline-001",
        E,
        DATAPIPELINE,
        &[
            "iam:PassRole",
            "datapipeline:CreatePipeline",
            "datapipeline:PutPipelineDefinition",
            "datapipeline:ActivatePipeline",
        ],
    ),
    technique(
        "x-datapipeline-create-put",
        E,
        DATAPIPELINE,
        &[
            "iam:PassRole",
            "datapipeline:CreatePipeline",
            "datapipeline:PutPipelineDefinition",
        ],
    ),
    technique("ec2-001", E, EC2, &["iam:PassRole", "ec2:RunInstances"]),
    technique(
        "ec2-003",
        E,
        EC2,
        &["iam:PassRole", "ec2:RequestSpotInstances"],
    ),
    technique(
        "x-ec2-associate-instance-profile",
        E,
        EC2,
        &["iam:PassRole", "ec2:AssociateIamInstanceProfile"],
    ),
    technique(
        "x-iam-createservicelinkedrole-autoscaling",
        E,
        EC2,
        &[
            "iam:PassRole",
            "iam:CreateServiceLinkedRole",
            "autoscaling:CreateLaunchConfiguration",
            "autoscaling:CreateAutoScalingGroup",
        ],
    ),
    technique(
        "x-passrole-createautoscaling",
        E,
        EC2,
        &[
            "iam:PassRole",
            "autoscaling:CreateLaunchConfiguration",
            "autoscaling:CreateAutoScalingGroup",
        ],
    ),
    technique(
        "x-passrole-updateautoscaling",
        E,
        EC2,
        &[
            "iam:PassRole",
            "autoscaling:CreateLaunchConfiguration",
            "autoscaling:UpdateAutoScalingGroup",
        ],
    ),
    technique(
        "ecs-001",
        E,
        ECS,
        &[
            "iam:PassRole",
            "ecs:CreateCluster",
            "ecs:RegisterTaskDefinition",
            "ecs:CreateService",
        ],
    ),
    technique(
        "ecs-002",
        E,
        ECS,
        &[
            "iam:PassRole",
            "ecs:CreateCluster",
            "ecs:RegisterTaskDefinition",
            "ecs:RunTask",
        ],
    ),
    technique(
        "ecs-003",
        E,
        ECS,
        &[
            "iam:PassRole",
            "ecs:RegisterTaskDefinition",
            "ecs:CreateService",
        ],
    ),
    technique(
        "ecs-004",
        E,
        ECS,
        &["iam:PassRole", "ecs:RegisterTaskDefinition", "ecs:RunTask"],
    ),
    technique(
        "ecs-005",
        E,
        ECS,
        &[
            "iam:PassRole",
            "ecs:RegisterTaskDefinition",
            "ecs:StartTask",
        ],
    ),
    technique(
        "x-passrole-ecs-runtask",
        E,
        ECS,
        &["iam:PassRole", "ecs:RunTask"],
    ),
    technique(
        "x-passrole-ecs-starttask",
        E,
        ECS,
        &[
            "iam:PassRole",
            "ecs:StartTask",
            "ecs:RegisterContainerInstance",
            "ecs:DeregisterContainerInstance",
        ],
    ),
    technique(
        "x-passrole-ecsstarttaskexistingcluster",
        E,
        ECS,
        &["iam:PassRole", "ecs:StartTask"],
    ),
    technique(
        "x-passrole-batchregisterjobdef-submitjob",
        E,
        ECS,
        &[
            "iam:PassRole",
            "batch:RegisterJobDefinition",
            "batch:SubmitJob",
        ],
    ),
    technique(
        "glue-001",
        E,
        GLUE,
        &["iam:PassRole", "glue:CreateDevEndpoint"],
    ),
    technique(
        "glue-003",
        E,
        GLUE,
        &["iam:PassRole", "glue:CreateJob", "glue:StartJobRun"],
    ),
    technique(
        "glue-004",
        E,
        GLUE,
        &["iam:PassRole", "glue:CreateJob", "glue:CreateTrigger"],
    ),
    technique(
        "glue-005",
        E,
        GLUE,
        &["iam:PassRole", "glue:UpdateJob", "glue:StartJobRun"],
    ),
    technique(
        "glue-006",
        E,
        GLUE,
        &["iam:PassRole", "glue:UpdateJob", "glue:CreateTrigger"],
    ),
    technique(
        "x-passrole-gluecreatesession-runstatement",
        E,
        GLUE,
        &["iam:PassRole", "glue:CreateSession", "glue:RunStatement"],
    ),
    technique(
        "lambda-001",
        E,
        LAMBDA,
        &[
            "iam:PassRole",
            "lambda:CreateFunction",
            "lambda:InvokeFunction",
        ],
    ),
    technique(
        "lambda-002",
        E,
        LAMBDA,
        &[
            "iam:PassRole",
            "lambda:CreateFunction",
            "lambda:CreateEventSourceMapping",
        ],
    ),
    technique(
        "lambda-006",
        E,
        LAMBDA,
        &[
            "iam:PassRole",
            "lambda:CreateFunction",
            "lambda:AddPermission",
        ],
    ),
    technique(
        "x-passrole-createlambda-newdynamo",
        E,
        LAMBDA,
        &[
            "iam:PassRole",
            "lambda:CreateFunction",
            "lambda:CreateEventSourceMapping",
            "dynamodb:CreateTable",
            "dynamodb:PutItem",
        ],
    ),
    technique(
        "sagemaker-001",
        E,
        SAGEMAKER,
        &["iam:PassRole", "sagemaker:CreateNotebookInstance"],
    ),
    technique(
        "sagemaker-002",
        E,
        SAGEMAKER,
        &["iam:PassRole", "sagemaker:CreateTrainingJob"],
    ),
    technique(
        "sagemaker-003",
        E,
        SAGEMAKER,
        &["iam:PassRole", "sagemaker:CreateProcessingJob"],
    ),
    technique(
        "x-passrole-agentcorecreatebrowser-connectbrowser",
        E,
        AGENTCORE,
        &[
            "iam:PassRole",
            "bedrock-agentcore:CreateBrowser",
            "bedrock-agentcore:StartBrowserSession",
            "bedrock-agentcore:ConnectBrowserAutomationStream",
        ],
    ),
    technique(
        "x-passrole-agentcorecreateharness-invokeruntimecommand",
        E,
        AGENTCORE,
        &[
            "iam:PassRole",
            "bedrock-agentcore:CreateHarness",
            "bedrock-agentcore:CreateAgentRuntime",
            "bedrock-agentcore:CreateAgentRuntimeEndpoint",
            "bedrock-agentcore:CreateWorkloadIdentity",
            "bedrock-agentcore:GetAgentRuntime",
            "bedrock-agentcore:InvokeAgentRuntimeCommand",
        ],
    ),
    technique(
        "x-passrole-agentcorecreateruntime-invokeruntimecommand",
        E,
        AGENTCORE,
        &[
            "iam:PassRole",
            "bedrock-agentcore:CreateAgentRuntime",
            "bedrock-agentcore:CreateAgentRuntimeEndpoint",
            "bedrock-agentcore:CreateWorkloadIdentity",
            "bedrock-agentcore:InvokeAgentRuntimeCommand",
        ],
    ),
    technique(
        "x-passrole-braketcreatejob",
        E,
        PassedRole(&["braket.amazonaws.com"]),
        &["iam:PassRole", "braket:CreateJob"],
    ),
    technique(
        "x-passrole-codestar",
        E,
        PassedRole(&["codestar.amazonaws.com"]),
        &["iam:PassRole", "codestar:CreateProject"],
    ),
    technique(
        "x-passrole-cognitosetidentitypoolroles",
        E,
        PassedRole(&["cognito-identity.amazonaws.com"]),
        &["iam:PassRole", "cognito-identity:SetIdentityPoolRoles"],
    ),
    technique(
        "x-passrole-emrrunjobflow",
        E,
        PassedRole(&["elasticmapreduce.amazonaws.com", "ec2.amazonaws.com"]),
        &["iam:PassRole", "elasticmapreduce:RunJobFlow"],
    ),
    technique(
        "x-passrole-emrserverlesscreateapp-startjobrun",
        E,
        PassedRole(&["emr-serverless.amazonaws.com"]),
        &[
            "iam:PassRole",
            "emr-serverless:CreateApplication",
            "emr-serverless:StartJobRun",
        ],
    ),
    technique(
        "x-passrole-gameliftcreatebuild-createfleet",
        E,
        PassedRole(&["gamelift.amazonaws.com"]),
        &[
            "iam:PassRole",
            "gamelift:RequestUploadCredentials",
            "gamelift:CreateBuild",
            "gamelift:CreateFleet",
        ],
    ),
    technique(
        "x-passrole-imagebuildercreatecomponent-createimage",
        E,
        EC2,
        &[
            "iam:PassRole",
            "imagebuilder:CreateComponent",
            "imagebuilder:CreateImageRecipe",
            "imagebuilder:CreateInfrastructureConfiguration",
            "imagebuilder:CreateImage",
        ],
    ),
    technique(
        "x-passrole-kinesisanalyticscreateapp-startapp",
        E,
        PassedRole(&["kinesisanalytics.amazonaws.com"]),
        &[
            "iam:PassRole",
            "kinesisanalytics:CreateApplication",
            "kinesisanalytics:StartApplication",
        ],
    ),
    technique(
        "x-passrole-omicscreateworkflow-startrun",
        E,
        PassedRole(&["omics.amazonaws.com"]),
        &[
            "iam:PassRole",
            "omics:CreateWorkflow",
            "omics:StartRun",
            "s3:GetObject",
        ],
    ),
    technique(
        "x-passrole-schedulercreateschedule",
        E,
        PassedRole(&["scheduler.amazonaws.com"]),
        &["iam:PassRole", "scheduler:CreateSchedule"],
    ),
    technique(
        "x-passrole-ssmcreatedocument-startautomation",
        E,
        PassedRole(&["ssm.amazonaws.com"]),
        &[
            "iam:PassRole",
            "ssm:CreateDocument",
            "ssm:StartAutomationExecution",
        ],
    ),
    technique(
        "x-passrole-stepfunctionscreatestatemachine-startexecution",
        E,
        STATES,
        &[
            "iam:PassRole",
            "states:CreateStateMachine",
            "states:StartExecution",
        ],
    ),
    // The role of compute that is there.
    technique(
        "apprunner-002",
        E,
        RoleConsumer("apprunner"),
        &["apprunner:UpdateService"],
    ),
    technique(
        "bedrock-002",
        E,
        RoleConsumer("bedrock-interpreter"),
        &[
            "bedrock-agentcore:StartCodeInterpreterSession",
            "bedrock-agentcore:InvokeCodeInterpreter",
        ],
    ),
    technique(
        "cloudformation-002",
        E,
        RoleConsumer("cloudformation"),
        &["cloudformation:UpdateStack"],
    ),
    technique(
        "cloudformation-005",
        E,
        RoleConsumer("cloudformation"),
        &[
            "cloudformation:CreateChangeSet",
            "cloudformation:ExecuteChangeSet",
        ],
    ),
    technique(
        "codebuild-002",
        E,
        RoleConsumer("codebuild"),
        &["codebuild:StartBuild"],
    ),
    technique(
        "codebuild-003",
        E,
        RoleConsumer("codebuild"),
        &["codebuild:StartBuildBatch"],
    ),
    technique(
        "x-codebuild-update-project",
        E,
        RoleConsumer("codebuild"),
        &["codebuild:UpdateProject", "codebuild:StartBuild"],
    ),
    technique(
        "ec2-002",
        E,
        RoleConsumer("ec2"),
        &[
            "ec2:ModifyInstanceAttribute",
            "ec2:StopInstances",
            "ec2:StartInstances",
        ],
    ),
    technique(
        "ec2-004",
        E,
        RoleConsumer("launch-template"),
        &[
            "ec2:CreateLaunchTemplateVersion",
            "ec2:ModifyLaunchTemplate",
        ],
    ),
    technique(
        "ec2instanceconnect-003",
        E,
        RoleConsumer("ec2"),
        &[
            "ec2-instance-connect:SendSSHPublicKey",
            "ec2:DescribeInstances",
        ],
    ),
    technique("ssm-001", E, RoleConsumer("ec2"), &["ssm:StartSession"]),
    technique("ssm-002", E, RoleConsumer("ec2"), &["ssm:SendCommand"]),
    technique(
        "glue-002",
        E,
        RoleConsumer("glue-endpoint"),
        &["glue:UpdateDevEndpoint"],
    ),
    technique(
        "lambda-003",
        E,
        RoleConsumer("lambda"),
        &["lambda:UpdateFunctionCode"],
    ),
    technique(
        "lambda-004",
        E,
        RoleConsumer("lambda"),
        &["lambda:UpdateFunctionCode", "lambda:InvokeFunction"],
    ),
    technique(
        "lambda-005",
        E,
        RoleConsumer("lambda"),
        &["lambda:UpdateFunctionCode", "lambda:AddPermission"],
    ),
    technique(
        "x-lambda-updatefunctionconfiguration",
        E,
        RoleConsumer("lambda"),
        &["lambda:UpdateFunctionConfiguration"],
    ),
    technique(
        "sagemaker-004",
        E,
        RoleConsumer("notebook"),
        &["sagemaker:CreatePresignedNotebookInstanceUrl"],
    ),
    technique(
        "sagemaker-005",
        E,
        RoleConsumer("notebook"),
        &[
            "sagemaker:CreateNotebookInstanceLifecycleConfig",
            "sagemaker:StopNotebookInstance",
            "sagemaker:UpdateNotebookInstance",
            "sagemaker:StartNotebookInstance",
        ],
    ),
    technique(
        "x-agentcorebrowsersessionconnect",
        E,
        RoleConsumer("agentcore-browser"),
        &[
            "bedrock-agentcore:StartBrowserSession",
            "bedrock-agentcore:ConnectBrowserAutomationStream",
        ],
    ),
    technique(
        "x-agentcoreinvokeruntimecommand",
        E,
        RoleConsumer("agentcore-runtime"),
        &["bedrock-agentcore:InvokeAgentRuntimeCommand"],
    ),
    technique(
        "x-batchsubmitjob",
        E,
        RoleConsumer("batch"),
        &["batch:SubmitJob"],
    ),
    technique(
        "x-codedeploycreatedeployment",
        E,
        RoleConsumer("codedeploy"),
        &[
            "codedeploy:CreateDeployment",
            "codedeploy:GetDeploymentConfig",
            "codedeploy:RegisterApplicationRevision",
        ],
    ),
    technique(
        "x-ecs-executecommand",
        E,
        RoleConsumer("ecs"),
        &["ecs:ExecuteCommand", "ecs:DescribeTasks"],
    ),
    technique(
        "x-stepfunctionsupdatestatemachine-startexecution",
        E,
        RoleConsumer("states"),
        &["states:UpdateStateMachine", "states:StartExecution"],
    ),
    // From role to role.
    technique("sts-001", F, TrustingRole, &["sts:AssumeRole"]),
    // Away with the guard rail.
    technique(
        "x-iam-deleteuserpermissionsboundary",
        G,
        OwnBoundary,
        &["iam:DeleteUserPermissionsBoundary"],
    ),
    technique(
        "x-assumerole-deleterolepermissionsboundary",
        G,
        UnboundTrustingRole,
        &["iam:DeleteRolePermissionsBoundary", "sts:AssumeRole"],
    ),
];

/// Escalation technique by a service that reaches all accounts of an organization: for principals
/// of the management account, and of accounts that manage the service for the organization.
///
/// ```
/// use bartizan_iam::ORGANIZATION_TECHNIQUES;
/// let row = ORGANIZATION_TECHNIQUES.iter().find(|row| row.id == "org-stacksets-001").unwrap();
/// assert_eq!(row.service, "member.org.stacksets.cloudformation.amazonaws.com");
/// ```
#[derive(Debug, Clone, Copy)]
pub struct OrganizationTechnique {
    /// Its id.
    pub id: &'static str,
    /// Service principal that trusted access and delegated administrators are registered for.
    pub service: &'static str,
    /// Target of the technique.
    pub target: OrganizationTarget,
    /// Actions that it needs, all of them.
    pub needs: &'static [&'static str],
}

/// Accounts that a technique over an organization reaches.
///
/// ```
/// use bartizan_iam::{ORGANIZATION_TECHNIQUES, OrganizationTarget};
/// let is_of_stacks = |target| matches!(target, OrganizationTarget::Stacks { .. });
/// assert!(ORGANIZATION_TECHNIQUES.iter().any(|row| is_of_stacks(row.target)));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrganizationTarget {
    /// Stacks with all permissions in every member account but the management account.
    Stacks {
        /// Whether it changes a stack set that must be there.
        is_change: bool,
    },
    /// A permission set of the caller's making, for a user of Identity Center, in every account.
    NewPermissionSet,
    /// A permission set with the policy `AdministratorAccess` that is there, likewise.
    AdministratorSet,
    /// Permission sets that are assigned: everybody who has one gets more, in its accounts.
    AssignedSets,
}

const STACK_SETS: &str = "member.org.stacksets.cloudformation.amazonaws.com";
const IDENTITY_CENTER: &str = "sso.amazonaws.com";

const fn over_organization(
    id: &'static str,
    service: &'static str,
    target: OrganizationTarget,
    needs: &'static [&'static str],
) -> OrganizationTechnique {
    OrganizationTechnique {
        id,
        service,
        target,
        needs,
    }
}

/// All techniques over an organization (CloudFormation user guide, "Create CloudFormation StackSets
/// with service-managed permissions" and "Register a delegated administrator"; IAM Identity Center
/// user guide, "Delegated administration").
///
/// ```
/// use bartizan_iam::ORGANIZATION_TECHNIQUES;
/// assert!(ORGANIZATION_TECHNIQUES.iter().all(|row| !row.needs.is_empty()));
/// ```
pub const ORGANIZATION_TECHNIQUES: &[OrganizationTechnique] = &[
    over_organization(
        "org-stacksets-001",
        STACK_SETS,
        OrganizationTarget::Stacks { is_change: false },
        &[
            "cloudformation:CreateStackSet",
            "cloudformation:CreateStackInstances",
        ],
    ),
    over_organization(
        "org-stacksets-002",
        STACK_SETS,
        OrganizationTarget::Stacks { is_change: true },
        &["cloudformation:UpdateStackSet"],
    ),
    over_organization(
        "org-identitycenter-001",
        IDENTITY_CENTER,
        OrganizationTarget::NewPermissionSet,
        &[
            "sso:CreatePermissionSet",
            "sso:AttachManagedPolicyToPermissionSet",
            "sso:CreateAccountAssignment",
        ],
    ),
    over_organization(
        "org-identitycenter-002",
        IDENTITY_CENTER,
        OrganizationTarget::AdministratorSet,
        &["sso:CreateAccountAssignment"],
    ),
    over_organization(
        "org-identitycenter-003",
        IDENTITY_CENTER,
        OrganizationTarget::AssignedSets,
        &[
            "sso:AttachManagedPolicyToPermissionSet",
            "sso:ProvisionPermissionSet",
        ],
    ),
    over_organization(
        "org-identitycenter-004",
        IDENTITY_CENTER,
        OrganizationTarget::AssignedSets,
        &[
            "sso:PutInlinePolicyToPermissionSet",
            "sso:ProvisionPermissionSet",
        ],
    ),
];
